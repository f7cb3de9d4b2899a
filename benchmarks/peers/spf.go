// SPF of many domains with blitiri.com.ar/go/spf: spf DOMAINS ADDRESS:PORT COUNT
//
// Judges 240.0.0.1 for each domain, 100 at a time, once it is told to (see benchmarks/side.py).
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"strconv"
	"sync"

	"blitiri.com.ar/go/spf"
)

const atOnce = 100

func main() {
	file, err := os.Open(os.Args[1])
	if err != nil {
		panic(err)
	}
	limit, _ := strconv.Atoi(os.Args[3])
	var domains []string
	for lines := bufio.NewScanner(file); lines.Scan() && len(domains) < limit; {
		domains = append(domains, lines.Text())
	}
	resolver := &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, os.Args[2])
	}}
	judge(resolver, []string{"ns.example"})
	fmt.Println("ready")
	bufio.NewReader(os.Stdin).ReadString('\n')
	told, _ := json.Marshal(judge(resolver, domains))
	fmt.Println(string(told))
}

func judge(resolver *net.Resolver, domains []string) map[string]int {
	work, counts := make(chan string), map[string]int{}
	var all sync.WaitGroup
	var lock sync.Mutex
	for i := 0; i < atOnce; i++ {
		all.Add(1)
		go func() {
			defer all.Done()
			for domain := range work {
				result, _ := spf.CheckHostWithSender(net.ParseIP("240.0.0.1"), "mail."+domain, "postmaster@"+domain,
					spf.WithResolver(resolver))
				lock.Lock()
				counts[string(result)]++
				lock.Unlock()
			}
		}()
	}
	for _, domain := range domains {
		work <- domain
	}
	close(work)
	all.Wait()
	return counts
}

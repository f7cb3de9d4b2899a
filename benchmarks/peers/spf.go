// SPF of many domains with blitiri.com.ar/go/spf, for comparison.
//
//	spf DOMAINS ADDRESS:PORT COUNT
//
// Judges 240.0.0.1 for each domain, 100 at a time, twice, and prints the second run's seconds and results.
package main

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"strconv"
	"sync"
	"time"

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
	server := os.Args[2]
	resolver := &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, server)
	}}
	judge(resolver, domains[:len(domains)/10])
	begun := time.Now()
	counts := judge(resolver, domains)
	fmt.Printf("%.3f %v\n", time.Since(begun).Seconds(), counts)
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
				result, _ := spf.CheckHostWithSender(net.ParseIP("240.0.0.1"), domain, "postmaster@"+domain,
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

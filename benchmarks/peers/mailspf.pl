# Mail::SPF of many domains, once it is told to (see benchmarks/side.py): mailspf.pl DOMAINS ADDRESS:PORT COUNT
use strict;
use warnings;
use JSON::PP;
use Mail::SPF;
use Net::DNS;

my ($path, $where, $count) = @ARGV;
my ($address, $port) = split /:/, $where;
my $server = Mail::SPF::Server->new(dns_resolver => Net::DNS::Resolver->new(
    nameservers => [$address], port => $port, udp_timeout => 3, retry => 2,
    defnames => 0, dnsrch => 0, udppacketsize => 1232));

sub judge {
    my ($domain) = @_;
    my $request = Mail::SPF::Request->new(scope => 'mfrom', identity => "postmaster\@$domain",
        ip_address => '240.0.0.1', helo_identity => "mail.$domain");
    return eval { $server->process($request)->code } // 'an exception';
}

open my $lines, '<', $path or die;
my @domains;
while (@domains < $count and defined(my $line = <$lines>)) { chomp $line; push @domains, $line }
judge('ns.example');
$| = 1;
print "ready\n";
<STDIN>;
my %counts;
$counts{judge($_)}++ for @domains;
print encode_json(\%counts), "\n";

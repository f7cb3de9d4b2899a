# Mail::DKIM, one message, its key at hand (see benchmarks/side.py): maildkim.pl MESSAGE RECORD NAME TIMES
use strict;
use warnings;
use Mail::DKIM::DNS;
use Mail::DKIM::Verifier;
use Net::DNS;

my ($path, $record, $name, $times) = @ARGV;

package AtHand {
    our @ISA = ('Net::DNS::Resolver');
    sub send {
        my ($self, $asked) = @_;
        my $answer = Net::DNS::Packet->new($asked, 'TXT');
        $answer->header->qr(1);
        $answer->push(answer => Net::DNS::RR->new(owner => $asked, type => 'TXT',
            txtdata => [unpack '(A255)*', $record])) if $asked eq $name;
        return $answer;
    }
    sub query { my $self = shift; return $self->send(@_) }
}
Mail::DKIM::DNS::resolver(AtHand->new(nameservers => ['127.0.0.1']));

open my $file, '<:raw', $path or die;
my $message = do { local $/; <$file> };

sub once {
    my $verifier = Mail::DKIM::Verifier->new;
    $verifier->PRINT($message);
    $verifier->CLOSE;
    return $verifier->result;
}
once();
$| = 1;
print "ready\n";
<STDIN>;
my $result;
$result = once() for 1 .. $times;
print "\"$result\"\n";

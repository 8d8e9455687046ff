#!/usr/bin/perl
# Judges messages with the SpamAssassin on this machine and its network tests, and prints one JSON line for each: path,
# score, and every rule that hit, sub-rules included. It asks only the DNS server that is named. Paths come on standard
# input, one a line. Arguments: PORT of the DNS server on 127.0.0.1, then one or two directories with rule files.
use strict;
use warnings;
use JSON::PP;
use Mail::SpamAssassin;

my ($port, $rules, $site) = @ARGV;
my $judge = Mail::SpamAssassin->new({
    dont_copy_prefs      => 1,
    rules_filename       => $rules,
    site_rules_filename  => $site // '/nonexistent',
    userprefs_filename   => '/dev/null',
    userstate_dir        => $ENV{TMPDIR},
    home_dir_for_helpers => $ENV{TMPDIR},
    post_config_text     => join("\n",
        'dns_available yes', "dns_server 127.0.0.1:$port", 'use_bayes 0', 'bayes_auto_learn 0', 'use_auto_welcomelist 0',
        'score TIME_LIMIT_EXCEEDED 0', ''),
});
$judge->compile_now(0, 1);
my $json = JSON::PP->new->canonical->latin1;
$| = 1;
while (my $path = <STDIN>) {
    chomp $path;
    open(my $file, '<:raw', $path) or die "cannot read $path: $!";
    my @lines = <$file>;
    close $file;
    my $message = $judge->parse(\@lines, 1);
    my $status = $judge->check($message);
    my $seen = $status->{tests_already_hit};
    my %hits = map { $_ => $seen->{$_} + 0 } grep { $seen->{$_} } keys %$seen;
    print $json->encode({ path => $path, score => $status->get_score() + 0, hits => \%hits }), "\n";
    $status->finish();
    $message->finish();
}

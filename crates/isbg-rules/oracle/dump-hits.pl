#!/usr/bin/perl
# Judges messages with the SpamAssassin on this machine, without network, classifier or histories, and prints one JSON
# line for each: path, score, and every rule that hit with its value, sub-rules included. Paths come on standard input,
# one a line. Arguments: directories with rule files (the distribution's first); none: the machine's own set.
use strict;
use warnings;
use JSON::PP;
use Mail::SpamAssassin;

my ($rules, $site) = @ARGV;
my $judge = Mail::SpamAssassin->new({
    local_tests_only => 1,
    dont_copy_prefs  => 1,
    ($rules ? (rules_filename => $rules, site_rules_filename => $site // '/nonexistent') : ()),
    userprefs_filename => '/dev/null',
    post_config_text => "use_bayes 0\nbayes_auto_learn 0\nuse_auto_welcomelist 0\nscore TIME_LIMIT_EXCEEDED 0\n",
});
# Rules that hold what another one captured are compiled for the first message that has it and never again; a process of
# its own for each message keeps them apart.
$judge->compile_now(0, 1);
my $json = JSON::PP->new->canonical->latin1;
$| = 1;
while (my $path = <STDIN>) {
    chomp $path;
    my $child = fork() // die "cannot fork: $!";
    if ($child) { waitpid($child, 0); next }
    open(my $file, '<:raw', $path) or exit 0;
    my @lines = <$file>;
    close $file;
    my $message = $judge->parse(\@lines, 1);
    my $status = $judge->check($message);
    my $seen = $status->{tests_already_hit};
    my %hits = map { $_ => $seen->{$_} + 0 } grep { $seen->{$_} } keys %$seen;
    print $json->encode({ path => $path, score => $status->get_score() + 0, hits => \%hits }), "\n";
    exec('true');    # leaves without the destructors
}

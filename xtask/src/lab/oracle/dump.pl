#!/usr/bin/perl
# Prints, as one JSON line for each message file, what SpamAssassin's rules read of it and what they make of it: every
# view, every hit with its value (sub-rules included) and the score, all through SpamAssassin's public Perl API, without
# network, classifier and histories. Bytes are printed as characters 0-255; text that Perl holds as characters is encoded
# as UTF-8 first. Usage: dump.pl SELECTORS [RULES [SITE_RULES]] < LIST_OF_FILES; SELECTORS is a file with one header
# selector a line; RULES and SITE_RULES are directories or files that replace the machine's own.
use strict;
use warnings;
use JSON::PP ();
use Mail::SpamAssassin;

my ($selectors, $rules, $site) = @ARGV;
open(my $in, '<', $selectors) or die "$selectors: $!";
chomp(my @selectors = <$in>);

my $sa = Mail::SpamAssassin->new({
    local_tests_only => 1, dont_copy_prefs => 1, userprefs_filename => '/dev/null',
    ($rules ? (rules_filename => $rules, site_rules_filename => $site // '/nonexistent') : ()),
    post_config_text => "use_bayes 0\nbayes_auto_learn 0\nuse_auto_welcomelist 0\nscore TIME_LIMIT_EXCEEDED 0\n",
});
$sa->compile_now(0, 1);
my $json = JSON::PP->new->ascii->canonical->allow_nonref;

sub bytes {
    my ($value) = @_;
    return undef if !defined $value;
    my $copy = "$value";
    utf8::encode($copy) if utf8::is_utf8($copy);
    return $copy;
}
sub list { return [ map { bytes($_) } @{ $_[0] || [] } ]; }
sub names { return [ sort map { bytes($_) } keys %{ $_[0] || {} } ]; }

sub uri {
    my ($raw, $info) = @_;
    return { raw => bytes($raw), types => names($info->{types}), cleaned => [ sort @{ list($info->{cleaned}) } ],
        anchor_text => list($info->{anchor_text}), domains => names($info->{domains}),
        hosts => { map { (bytes($_) => bytes($info->{hosts}{$_})) } keys %{ $info->{hosts} || {} } } };
}
sub uris {
    my ($detail) = @_;
    return [ map { uri($_, $detail->{$_}) } sort keys %{ $detail || {} } ];
}

sub part {
    my ($part) = @_;
    my %out = (type => bytes($part->{type}), effective_type => bytes($part->effective_type), name => bytes($part->{name}),
        charset => bytes($part->{charset}), leaf => $part->is_leaf ? 1 : 0,
        headers => [ map { bytes($_) } @{ $part->{header_order} } ],
        content_type => list([ $part->header('content-type') ]),
        disposition => list([ $part->header('content-disposition') ]));
    if ($part->is_leaf) {
        $out{decoded} = bytes($part->decode) if ($part->{type} || '') !~ /^(?:image|application|video|audio)/;
        my ($type, $text) = $part->rendered;
        $out{rendered} = bytes($text);
    }
    return \%out;
}

my @html_numbers = qw(image_area length html_length non_space_len ratio min_size max_size closed_extra_ratio bad_tag_ratio
    non_element_ratio obfuscation_ratio backhair_count);
my @html_flags = qw(font_low_contrast font_invalid_color font_face_bad form_action_mailto embeds uri_truncated);
my @html_lists = qw(comment script title anchor);

sub html {
    my ($html) = @_;
    return undef if !$html;
    my %out = map { $_ => defined $html->{$_} ? 0 + sprintf('%.9g', $html->{$_}) : undef } @html_numbers;
    $out{$_} = $html->{$_} ? 1 : 0 for @html_flags;
    $out{$_} = list($html->{$_}) for @html_lists;
    $out{inside} = { map { (bytes($_) => 0 + $html->{inside}{$_}) } keys %{ $html->{inside} || {} } };
    return \%out;
}

sub views {
    my ($raw) = @_;
    my $msg = $sa->parse($raw, 1);
    my $pms = Mail::SpamAssassin::PerMsgStatus->new($sa, $msg);
    $pms->extract_message_metadata;
    my %out;
    for my $selector (@selectors) {
        my @values = $pms->get($selector);
        $out{get}{$selector} = undef;
        next if !@values;
        $out{get}{$selector} = bytes(join($values[0] =~ /\n\z/ ? '' : "\n", @values));
    }
    $out{body} = list($pms->get_decoded_stripped_body_text_array);
    $out{rawbody} = list($pms->get_decoded_body_text_array);
    $out{full} = bytes($msg->get_pristine);
    $out{header_block} = bytes(scalar $msg->get_pristine_header);
    my $detail = $pms->get_uri_detail_list;
    $out{uris} = [ sort map { bytes($_) } $pms->get_uri_list ];
    $out{uri_detail} = uris($detail);
    $out{parts} = [ map { part($_) } $msg->find_parts(qr/^/, 0, 1) ];
    $out{html} = [ map { html($_) } @{ $pms->{html_all} || [] } ];
    $out{relays} = { trusted => scalar @{ $pms->{relays_trusted} }, internal => scalar @{ $pms->{relays_internal} },
        all => @{ $pms->{relays_trusted} } + @{ $pms->{relays_untrusted} }, unparseable => 0 + $pms->{num_relays_unparseable},
        last_trusted => 0 + $pms->{last_trusted_relay_index}, last_internal => 0 + $pms->{last_internal_relay_index} };
    $out{flags} = [ grep { $msg->{$_} } qw(missing_head_body_separator truncated_header missing_mime_headers
        missing_mime_head_body_separator mime_epilogue_exists mimepart_limit_exceeded) ];
    $pms->finish;
    $msg->finish;
    return %out;
}

sub judgement {
    my ($raw) = @_;
    my $status = $sa->check($sa->parse($raw, 1));
    my $seen = $status->{tests_already_hit};
    my %hits = map { $_ => $seen->{$_} + 0 } grep { $seen->{$_} } keys %$seen;
    return (hits => \%hits, score => $status->get_score + 0);
}

$| = 1;
while (my $file = <STDIN>) {
    chomp $file;
    # Rules that hold what another one captured are compiled for the first message that has it and never again; a
    # process of its own for each message keeps them apart.
    my $child = fork() // die "cannot fork: $!";
    if ($child) { waitpid($child, 0); next }
    local $SIG{__WARN__} = sub { };    # hostile mail makes it complain
    open(my $fh, '<:raw', $file) or die "$file: $!";
    my $raw = do { local $/; <$fh> };
    close $fh;
    # Searching for addresses changes the text that is searched, so the views come first and from a message of their own.
    print $json->encode({ file => $file, views($raw), judgement($raw) }), "\n";
    exec('true');    # leaves without the destructors
}

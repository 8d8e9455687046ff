#!/usr/bin/perl
# Prints what SpamAssassin's rules would read of each message file, as one JSON object a line, through SpamAssassin's
# public Perl API. Bytes are printed as characters 0-255; text that Perl holds as characters is encoded as UTF-8 first.
# Runs offline with the installed rules. Usage: dump-views.pl [--cf FILE] [--pretty] SELECTORS < LIST_OF_FILES
# SELECTORS is a file with one header selector a line. The golden files of the tests are made in their folder by
# for f in *.eml; do echo $f | ../../oracle/dump-views.pl --pretty selectors > ${f%.eml}.json; done
use strict;
use warnings;
use JSON::PP ();
use Mail::SpamAssassin;

my ($cf, $pretty);
if (@ARGV > 1 && $ARGV[0] eq '--cf') { shift @ARGV; $cf = shift @ARGV; }
if (@ARGV > 1 && $ARGV[0] eq '--pretty') { shift @ARGV; $pretty = 1; }
my ($selectors) = @ARGV;
open(my $in, '<', $selectors) or die "$selectors: $!";
chomp(my @selectors = <$in>);

my $sa = Mail::SpamAssassin->new({
    local_tests_only => 1, dont_copy_prefs => 1, userprefs_filename => $cf // '/dev/null',
    post_config_text => "use_bayes 0\nuse_auto_welcomelist 0\n",
});
$sa->init(1);
my $json = JSON::PP->new->ascii->canonical->allow_nonref;
$json->indent->space_after if $pretty;

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

while (my $file = <STDIN>) {
    chomp $file;
    open(my $fh, '<:raw', $file) or die "$file: $!";
    my $raw = do { local $/; <$fh> };
    close $fh;
    my $msg = $sa->parse($raw, 1);
    my $pms = Mail::SpamAssassin::PerMsgStatus->new($sa, $msg);
    $pms->extract_message_metadata;
    my %out = (file => $file);
    for my $selector (@selectors) {
        my @values = $pms->get($selector);
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
    print $json->encode(\%out), $pretty ? '' : "\n";
    $pms->finish;
    $msg->finish;
}

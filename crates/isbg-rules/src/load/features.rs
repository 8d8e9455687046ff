//! What this engine claims to be towards rule files: the version, the plugins and what they can do. Follows version
//! 4.0.1; does not know what is implemented.

/// The version that `version` in a condition stands for.
pub const VERSION: f64 = 4.000_001;
/// The same as `require_version` spells it.
pub const VERSION_TEXT: &str = "4.000001";
/// What `perl_version` stands for: the dialect of patterns that is read here.
pub const PERL_VERSION: f64 = 5.036;

/// The plugins, by their short names, that version 4.0.1 loads where nobody has changed its `*.pre` files.
pub const LOADED_BY_DEFAULT: &[&str] = &[
    "AskDNS",
    "AutoLearnThreshold",
    "Bayes",
    "BodyEval",
    "Check",
    "DKIM",
    "DMARC",
    "DNSEval",
    "FreeMail",
    "HTMLEval",
    "HTTPSMismatch",
    "HashBL",
    "HeaderEval",
    "ImageInfo",
    "MIMEEval",
    "MIMEHeader",
    "Pyzor",
    "Razor2",
    "RelayEval",
    "ReplaceTags",
    "SPF",
    "SpamCop",
    "URIDNSBL",
    "URIDetail",
    "URIEval",
    "VBounce",
    "WLBLEval",
    "WelcomeListSubject",
];

/// What every plugin's name begins with.
pub const PLUGIN: &str = "Mail::SpamAssassin::Plugin::";

/// The core's features, as `can(Mail::SpamAssassin::Conf::…)` asks for them.
const CORE: &[&str] = &[
    "feature_originating_ip_headers",
    "feature_dns_local_ports_permit_avoid",
    "feature_bayes_auto_learn_on_error",
    "feature_uri_host_listed",
    "feature_yesno_takes_args",
    "feature_bug6558_free",
    "feature_edns",
    "feature_dns_query_restriction",
    "feature_registryboundaries",
    "feature_geodb",
    "feature_dns_block_rule",
    "feature_compile_regexp",
    "feature_meta_rules_matching",
    "feature_subjprefix",
    "feature_bayes_stopwords",
    "feature_get_host",
    "feature_blocklist_welcomelist",
    "feature_welcomelist_blocklist",
    "feature_header_address_parser",
    "feature_local_tests_only",
    "feature_header_first_last",
    "feature_header_match_many",
    "feature_capture_rules",
    "has_tflags_nosubject",
    "has_tflags_nolog",
    "perl_min_version_5010000",
];

/// A plugin, what can be asked of it and the directives it brings.
pub struct Plugin {
    /// Its name without the common beginning.
    pub name: &'static str,
    /// Its features.
    pub features: &'static [&'static str],
    /// Its directives; one that ends with `_` stands for all that begin so.
    pub directives: &'static [&'static str],
}

const fn plugin(
    name: &'static str,
    features: &'static [&'static str],
    directives: &'static [&'static str],
) -> Plugin {
    Plugin {
        name,
        features,
        directives,
    }
}

/// The plugins of the distribution.
pub const PLUGINS: &[Plugin] = &[
    plugin(
        "ASN",
        &[
            "has_asn_lookup_ipv6",
            "has_asn_geodb",
            "has_check_asn",
            "has_check_asn_tag",
        ],
        &[
            "asn_lookup",
            "asn_lookup_ipv6",
            "clear_asn_lookups",
            "asn_prefix",
            "asn_use_geodb",
            "asn_prefer_geodb",
            "asn_use_dns",
        ],
    ),
    plugin(
        "AWL",
        &[],
        &["use_auto_welcomelist", "auto_welcomelist_", "user_awl_"],
    ),
    plugin("AccessDB", &[], &[]),
    plugin("AntiVirus", &[], &[]),
    plugin("AskDNS", &["has_tag_header"], &["askdns"]),
    plugin(
        "AuthRes",
        &[],
        &[
            "authres_networks",
            "authres_trusted_authserv",
            "authres_ignored_authserv",
        ],
    ),
    plugin("AutoLearnThreshold", &[], &["bayes_auto_learn_"]),
    plugin("Bayes", &[], &["bayes_max_token_length", "bayes_stopword_"]),
    plugin(
        "BodyEval",
        &["has_check_body_length", "has_plaintext_body_sig_ratio"],
        &[],
    ),
    plugin("Check", &[], &[]),
    plugin("DCC", &[], &["use_dcc", "use_dcc_rep", "dcc_", "dccifd_options"]),
    plugin(
        "DKIM",
        &["has_arc"],
        &[
            "welcomelist_from_dkim",
            "def_welcomelist_from_dkim",
            "unwelcomelist_from_dkim",
            "adsp_override",
            "dkim_minimum_key_bits",
            "dkim_timeout",
        ],
    ),
    plugin("DMARC", &[], &["dmarc_save_reports"]),
    plugin(
        "DNSEval",
        &["has_tflags_domains_only", "has_tflags_ips_only"],
        &["rbl_headers"],
    ),
    plugin(
        "DecodeShortURLs",
        &[
            "has_short_url",
            "has_autoclean",
            "has_short_url_code",
            "has_user_agent",
            "has_get",
            "has_clear",
            "has_timeout",
            "has_max_redirections",
            "has_short_url_redir",
        ],
        &[
            "url_shortener",
            "url_shortener_",
            "clear_url_shortener",
            "max_short_urls",
            "max_short_url_redirections",
        ],
    ),
    plugin("ExtractText", &[], &["extracttext_"]),
    plugin("FreeMail", &[], &["freemail_"]),
    plugin("FromNameSpoof", &[], &["fns_"]),
    plugin("HTMLEval", &[], &[]),
    plugin("HTTPSMismatch", &[], &[]),
    plugin(
        "HashBL",
        &[
            "has_hashbl_bodyre",
            "has_hashbl_bodyre_num",
            "has_hashbl_emails",
            "has_hashbl_uris",
            "has_hashbl_ignore",
            "has_hashbl_email_regex",
            "has_hashbl_email_welcomelist",
            "has_hashbl_email_whitelist",
            "has_hashbl_tag",
            "has_hashbl_sha256",
            "has_hashbl_attachments",
            "has_hashbl_email_domain",
            "has_hashbl_email_domain_alias",
        ],
        &["hashbl_"],
    ),
    plugin("HeaderEval", &[], &[]),
    plugin("ImageInfo", &[], &[]),
    plugin(
        "MIMEEval",
        &[
            "has_check_for_ascii_text_illegal",
            "has_check_abundant_unicode_ratio",
            "has_check_qp_ratio",
        ],
        &[],
    ),
    plugin(
        "MIMEHeader",
        &[
            "has_all_header",
            "has_tflags_range",
            "has_tflags_concat",
            "has_tflags_multiple",
            "has_capture_rules",
        ],
        &["mimeheader"],
    ),
    plugin(
        "OLEVBMacro",
        &[
            "has_olemacro_redirect_uri",
            "has_olemacro_mhtml_uri",
            "has_olertfobject",
        ],
        &["olemacro_"],
    ),
    plugin("OneLineBodyRuleType", &[], &[]),
    plugin("PDFInfo", &[], &[]),
    plugin(
        "PhishTag",
        &[],
        &["trigger_target", "trigger_config", "trigger_ratio"],
    ),
    plugin("Phishing", &[], &["phishing_"]),
    plugin("Pyzor", &["has_fork", "has_perl"], &["use_pyzor", "pyzor_"]),
    plugin(
        "Razor2",
        &["has_fork"],
        &["use_razor2", "razor_fork", "razor_timeout", "razor_config"],
    ),
    plugin("RelayCountry", &[], &[]),
    plugin("RelayEval", &[], &[]),
    plugin(
        "ReplaceTags",
        &[],
        &[
            "replace_start",
            "replace_end",
            "replace_tag",
            "replace_pre",
            "replace_inter",
            "replace_post",
            "replace_rules",
        ],
    ),
    plugin(
        "ResourceLimits",
        &[],
        &["resource_limit_mem", "resource_limit_cpu"],
    ),
    plugin("Rule2XSBody", &[], &[]),
    plugin(
        "SPF",
        &["has_check_for_spf_errors", "has_check_spf_skipped_noenvfrom"],
        &[
            "welcomelist_from_spf",
            "def_welcomelist_from_spf",
            "unwelcomelist_from_spf",
            "spf_timeout",
            "ignore_received_spf_header",
            "use_newest_received_spf_header",
            "do_not_use_mail_spf",
            "do_not_use_mail_spf_query",
        ],
    ),
    plugin("Shortcircuit", &[], &["shortcircuit", "shortcircuit_"]),
    plugin("SpamCop", &[], &["spamcop_"]),
    plugin(
        "TextCat",
        &[],
        &["ok_languages", "inactive_languages", "textcat_"],
    ),
    plugin(
        "TxRep",
        &[],
        &["use_txrep", "txrep_", "user_awl_", "auto_welcomelist_"],
    ),
    plugin(
        "URIDNSBL",
        &[
            "has_tflags_domains_only",
            "has_subtest_for_ranges",
            "has_uridnsbl_for_a",
            "has_uridnsbl_a_ns",
            "has_tflags_notrim",
            "has_uridnsbl_skip_mailto",
        ],
        &[
            "skip_uribl_checks",
            "uridnsbl",
            "uridnsbl_",
            "uridnssub",
            "urirhsbl",
            "urirhssub",
            "urinsrhsbl",
            "urinsrhssub",
            "urifullnsrhsbl",
            "urifullnsrhssub",
            "clear_uridnsbl_skip_domain",
        ],
    ),
    plugin("URIDetail", &["has_host_key"], &["uri_detail"]),
    plugin("URIEval", &[], &[]),
    plugin(
        "URILocalBL",
        &[],
        &[
            "uri_block_cc",
            "uri_block_cont",
            "uri_block_isp",
            "uri_block_cidr",
            "uri_block_exclude",
        ],
    ),
    plugin("VBounce", &[], &["welcomelist_bounce_relays"]),
    plugin("WLBLEval", &[], &[]),
    plugin(
        "WelcomeListSubject",
        &[],
        &["welcomelist_subject", "blocklist_subject"],
    ),
];

/// A plugin by its full name; older names of two plugins are known too.
pub fn find(full_name: &str) -> Option<&'static Plugin> {
    let name = match full_name.strip_prefix(PLUGIN)? {
        "Dmarc" => "DMARC",
        "WhiteListSubject" => "WelcomeListSubject",
        name => name,
    };
    PLUGINS.iter().find(|plugin| plugin.name == name)
}

/// Whether something has the named feature, given the plugins that are loaded (by their short names).
pub fn has(full_name: &str, is_loaded: impl Fn(&str) -> bool) -> bool {
    let Some((owner, feature)) = full_name.rsplit_once("::") else {
        return false;
    };
    if owner == "Mail::SpamAssassin::Conf" {
        return CORE.contains(&feature);
    }
    find(owner).is_some_and(|plugin| is_loaded(plugin.name) && plugin.features.contains(&feature))
}

/// The plugins that bring a directive.
pub fn bringing(directive: &str) -> impl Iterator<Item = &'static Plugin> + '_ {
    let named =
        move |known: &&str| *known == directive || (known.ends_with('_') && directive.starts_with(*known));
    PLUGINS
        .iter()
        .filter(move |plugin| plugin.directives.iter().any(&named))
}

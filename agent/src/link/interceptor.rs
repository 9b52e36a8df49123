//! Who stands between host and server, by the certificate that they show. TLS inspection is never believed; it is named, so
//! that a person knows whom to ask.

use rustls_pki_types::CertificateDer;

/// What inspectors of TLS call their authorities, in lower case, and who they are. Only for words: trust never looks here.
const KNOWN: &[(&str, &str)] = &[
    ("kaspersky", "Kaspersky (the scan of encrypted connections)"),
    ("eset ssl filter", "ESET"),
    ("web/mail shield", "Avast or AVG"),
    ("net-defender", "Bitdefender"),
    ("bitdefender", "Bitdefender"),
    ("dr.web", "Dr.Web"),
    ("zscaler", "Zscaler"),
    ("netskope", "Netskope"),
    ("goskope", "Netskope"),
    ("fortinet", "Fortinet"),
    ("fortigate", "Fortinet"),
    ("palo alto", "Palo Alto Networks"),
    ("sophos", "Sophos"),
    ("check point", "Check Point"),
    ("cisco umbrella", "Cisco Umbrella"),
    ("blue coat", "Blue Coat"),
    ("forcepoint", "Forcepoint"),
    ("mitmproxy", "mitmproxy"),
    ("fiddler", "Fiddler"),
    ("charles proxy", "Charles"),
];
/// How authorities of this product begin.
const OURS: &str = "Cutover CA";

/// What a chain that is not believed says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Presented {
    /// Issuer of the peer's certificate.
    pub(super) issuer: String,
    /// Whose product that is, where it is known.
    pub(super) inspector: Option<&'static str>,
    /// It is another server of this product: set up anew, or another one.
    pub(super) is_ours: bool,
}

/// Reads issuers from the peer's certificate up.
pub(super) fn presented(end_entity: &CertificateDer<'_>, intermediates: &[CertificateDer<'_>]) -> Presented {
    let names: Vec<String> = std::iter::once(end_entity).chain(intermediates).map(issuer).collect();
    let inspector = names.iter().find_map(|name| {
        let name = name.to_lowercase();
        let known = KNOWN.iter().find(|(part, _)| name.contains(part));
        known.map(|(_, product)| *product)
    });
    Presented {
        is_ours: names.iter().any(|name| name.contains(OURS)),
        issuer: names.into_iter().next().unwrap_or_default(),
        inspector,
    }
}

fn issuer(der: &CertificateDer<'_>) -> String {
    x509_parser::parse_x509_certificate(der).map_or_else(
        |_| "a certificate that cannot be read".to_owned(),
        |(_, read)| read.issuer().to_string(),
    )
}

//! Where a system keeps the certificates that it trusts.

/// Where trust anchors are put by hand or by a product: Debian's and SUSE's update-ca-certificates(8), p11-kit's and Red
/// Hat's update-ca-trust(8), and OpenSSL's own directory. No other file is deleted as an anchor.
pub(crate) const ANCHORS: &[&str] = &[
    "/usr/local/share/ca-certificates",
    "/etc/pki/ca-trust/source/anchors",
    "/usr/share/pki/ca-trust-source/anchors",
    "/etc/pki/trust/anchors",
    "/usr/share/pki/trust/anchors",
    "/etc/ssl/certs",
];

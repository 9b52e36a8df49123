//! The certificate of the agents' listener: kept in a file, made anew when it is due.

use std::{collections::BTreeSet, net::IpAddr, path::Path, time::Duration};

use rcgen::{CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, SanType};
use rustls_pki_types::{CertificateDer, PrivatePkcs8KeyDer, pem::PemObject};
use x509_parser::{certificate::X509Certificate, extensions::GeneralName, prelude::FromDer};

use super::{
    PkiError,
    authority::{Authority, new_key, read_key},
    disk, renew_due,
    validity::Validity,
};

/// Renewed from two thirds on, so a server that restarts or ticks once a month never serves an ended one.
const SERVER_LIFE: Duration = Duration::from_secs(90 * 24 * 3600);

const REMEDY: &str = "delete it; a new one is made at the next start";

/// What the agents' listener shows: its key, and a chain that ends in the authority, so that an agent that holds only
/// the authority's fingerprint finds it there.
#[derive(Debug)]
pub struct ServerIdentity {
    /// Leaf first, then the authority.
    pub chain: Vec<CertificateDer<'static>>,
    /// The leaf's private key.
    pub key: PrivatePkcs8KeyDer<'static>,
    /// Start of the leaf, ms since the epoch.
    pub not_before_ms: i64,
    /// End of the leaf, ms since the epoch.
    pub not_after_ms: i64,
}

impl Clone for ServerIdentity {
    fn clone(&self) -> Self {
        Self {
            chain: self.chain.clone(),
            key: self.key.clone_key(),
            not_before_ms: self.not_before_ms,
            not_after_ms: self.not_after_ms,
        }
    }
}

/// The kept identity while it fits names, authority and time; else a new one, kept from then on.
pub(super) fn load_or_issue(
    path: &Path,
    authority: &Authority,
    names: &[String],
    now_ms: i64,
) -> Result<ServerIdentity, PkiError> {
    let wanted = parse_names(names)?;
    if path.exists() {
        let kept = load(path)?;
        let fits = kept.names == wanted
            && kept.identity.chain.get(1) == Some(authority.certificate())
            && kept.identity.not_before_ms <= now_ms
            && !renew_due(kept.identity.not_before_ms, kept.identity.not_after_ms, now_ms);
        if fits {
            return Ok(kept.identity);
        }
    }
    let identity = issue(authority, &wanted, now_ms)?;
    save(path, &identity)?;
    Ok(identity)
}

struct Kept {
    identity: ServerIdentity,
    names: BTreeSet<Name>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Name {
    Dns(String),
    Ip(IpAddr),
}

fn parse_names(names: &[String]) -> Result<BTreeSet<Name>, PkiError> {
    if names.is_empty() {
        return Err(PkiError::NoNames);
    }
    names.iter().map(|name| parse_name(name)).collect()
}

fn parse_name(name: &str) -> Result<Name, PkiError> {
    if let Ok(address) = name.parse() {
        return Ok(Name::Ip(address));
    }
    let label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    if name.len() <= 253 && name.split('.').all(label) {
        return Ok(Name::Dns(name.to_ascii_lowercase()));
    }
    Err(PkiError::BadName(name.to_owned()))
}

fn issue(authority: &Authority, names: &BTreeSet<Name>, now_ms: i64) -> Result<ServerIdentity, PkiError> {
    let key = new_key()?;
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, "Cutover server");
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    for name in names {
        params.subject_alt_names.push(match name {
            Name::Ip(address) => SanType::IpAddress(*address),
            Name::Dns(name) => SanType::DnsName(name.as_str().try_into().map_err(|_| PkiError::BadName(name.clone()))?),
        });
    }
    let (leaf, validity) = authority.issue(params, &key, now_ms, SERVER_LIFE)?;
    Ok(ServerIdentity {
        chain: vec![leaf, authority.certificate().clone()],
        key: PrivatePkcs8KeyDer::from(key.serialize_der()),
        not_before_ms: validity.not_before_ms,
        not_after_ms: validity.not_after_ms,
    })
}

fn save(path: &Path, identity: &ServerIdentity) -> Result<(), PkiError> {
    let mut text = disk::pem("PRIVATE KEY", identity.key.secret_pkcs8_der());
    for certificate in &identity.chain {
        text.push_str(&disk::pem("CERTIFICATE", certificate));
    }
    disk::write(path, text.as_bytes())
}

fn load(path: &Path) -> Result<Kept, PkiError> {
    let bytes = disk::read(path)?;
    read_kept(&bytes).map_err(|why| PkiError::Corrupt {
        path: path.to_owned(),
        why,
        remedy: REMEDY,
    })
}

fn read_kept(bytes: &[u8]) -> Result<Kept, String> {
    let key = read_key(bytes)?;
    let chain = CertificateDer::pem_slice_iter(bytes)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| format!("a certificate in it is not PEM ({error})"))?;
    let leaf = chain.first().ok_or("no certificate in PEM")?;
    let (_, leaf) =
        X509Certificate::from_der(leaf).map_err(|error| format!("its certificate cannot be read ({error})"))?;
    if leaf.public_key().raw != rcgen::PublicKeyData::subject_public_key_info(&key) {
        return Err("key and certificate do not belong together".to_owned());
    }
    let validity = Validity::read(leaf.validity());
    let names = certificate_names(&leaf);
    Ok(Kept {
        identity: ServerIdentity {
            chain: chain.clone(),
            key: PrivatePkcs8KeyDer::from(key.serialize_der()),
            not_before_ms: validity.not_before_ms,
            not_after_ms: validity.not_after_ms,
        },
        names,
    })
}

fn certificate_names(leaf: &X509Certificate<'_>) -> BTreeSet<Name> {
    let Ok(Some(san)) = leaf.subject_alternative_name() else {
        return BTreeSet::new();
    };
    let mut names = BTreeSet::new();
    for name in &san.value.general_names {
        if let GeneralName::DNSName(name) = name {
            names.insert(Name::Dns(name.to_ascii_lowercase()));
        } else if let GeneralName::IPAddress(bytes) = name {
            let v4 = <[u8; 4]>::try_from(*bytes).map(IpAddr::from);
            let address = v4.or_else(|_| <[u8; 16]>::try_from(*bytes).map(IpAddr::from));
            names.extend(address.ok().map(Name::Ip));
        }
    }
    names
}

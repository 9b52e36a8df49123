//! Certificates, as far as a look needs them: who one is made out to. A bounded walk, no verification.

/// Common name and organisation of a certificate's subject; empty where it has none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Subject {
    /// Attribute 2.5.4.3.
    pub common_name: String,
    /// Attribute 2.5.4.10.
    pub organization: String,
}

/// What does not read as a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoCertificate {
    /// Not base64 between the marks of RFC 7468, or the end mark is missing.
    #[error("holds a certificate that is not sound PEM")]
    Pem,
    /// Not the DER of RFC 5280.
    #[error("holds a certificate that is not sound DER")]
    Der,
}

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const INTEGER: u8 = 0x02;
const OID: u8 = 0x06;
/// The version's tag, explicit and optional.
const VERSION: u8 = 0xa0;
const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
const ORGANIZATION: &[u8] = &[0x55, 0x04, 0x0a];

/// The subjects of all certificates in a file: one in DER, or any number in PEM. Other PEM blocks are passed over.
///
/// # Errors
/// When one of them is not sound.
pub fn subjects(bytes: &[u8]) -> Result<Vec<Subject>, NoCertificate> {
    if bytes.first() == Some(&SEQUENCE) {
        return Ok(vec![subject(bytes).ok_or(NoCertificate::Der)?]);
    }
    let mut subjects = Vec::new();
    let mut der: Option<Vec<u8>> = None;
    let mut bits = Bits::default();
    for line in bytes.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii) {
        if line.starts_with(b"-----BEGIN ") {
            let is_certificate = line.ends_with(b"CERTIFICATE-----");
            der = is_certificate.then(Vec::new);
            bits = Bits::default();
        } else if line.starts_with(b"-----END ") {
            if let Some(der) = der.take() {
                subjects.push(subject(&der).ok_or(NoCertificate::Der)?);
            }
        } else if let Some(der) = &mut der {
            bits.decode(line, der).ok_or(NoCertificate::Pem)?;
        }
    }
    match der {
        Some(_) => Err(NoCertificate::Pem),
        None => Ok(subjects),
    }
}

/// What base64 has read of the byte at hand.
#[derive(Default)]
struct Bits {
    value: u32,
    count: u32,
}

impl Bits {
    fn decode(&mut self, line: &[u8], out: &mut Vec<u8>) -> Option<()> {
        for byte in line {
            let six = match byte {
                b'A'..=b'Z' => byte - b'A',
                b'a'..=b'z' => byte - b'a' + 26,
                b'0'..=b'9' => byte - b'0' + 52,
                b'+' => 62,
                b'/' => 63,
                b'=' => continue,
                _ => return None,
            };
            self.value = (self.value << 6) | u32::from(six);
            self.count += 6;
            if self.count >= 8 {
                self.count -= 8;
                out.push(u8::try_from((self.value >> self.count) & 0xff).ok()?);
            }
        }
        Some(())
    }
}

/// The first of each attribute of a certificate's subject (RFC 5280, 4.1).
fn subject(der: &[u8]) -> Option<Subject> {
    let (certificate, _) = part(der, SEQUENCE)?;
    let (mut at, _) = part(certificate, SEQUENCE)?;
    if at.first() == Some(&VERSION) {
        at = part(at, VERSION)?.1;
    }
    // Serial number, algorithm, issuer, validity.
    for tag in [INTEGER, SEQUENCE, SEQUENCE, SEQUENCE] {
        at = part(at, tag)?.1;
    }
    let (mut names, _) = part(at, SEQUENCE)?;
    let mut subject = Subject::default();
    while !names.is_empty() {
        let (mut set, rest) = part(names, SET)?;
        names = rest;
        while !set.is_empty() {
            let (attribute, rest) = part(set, SEQUENCE)?;
            set = rest;
            let (kind, value) = part(attribute, OID)?;
            let slot = match kind {
                COMMON_NAME => &mut subject.common_name,
                ORGANIZATION => &mut subject.organization,
                _ => continue,
            };
            if slot.is_empty() {
                *slot = text(value)?;
            }
        }
    }
    Some(subject)
}

/// The contents of the first value, which has this tag, and what follows it.
fn part(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (found, rest) = der.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(*first), rest),
        // Lengths of more than four bytes are of no certificate.
        0x81..=0x84 => {
            let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            let length = bytes.iter().fold(0_u64, |sum, byte| (sum << 8) | u64::from(*byte));
            (usize::try_from(length).ok()?, rest)
        }
        _ => return None,
    };
    (*found == tag).then_some(())?;
    rest.split_at_checked(length)
}

/// A DirectoryString or IA5String.
fn text(value: &[u8]) -> Option<String> {
    let tag = *value.first()?;
    let (bytes, _) = part(value, tag)?;
    match tag {
        // UTF8String, PrintableString, IA5String.
        0x0c | 0x13 | 0x16 => String::from_utf8(bytes.to_vec()).ok(),
        // TeletexString, as everybody writes it: Latin 1.
        0x14 => Some(bytes.iter().map(|byte| char::from(*byte)).collect()),
        // BMPString.
        0x1e => {
            let units: Vec<u16> = bytes
                .chunks_exact(2)
                .map(|pair| u16::from_be_bytes([pair[0], pair[1]]))
                .collect();
            String::from_utf16(&units).ok()
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made by `openssl req -x509`, with the subject that a target gives its own.
    const PEM: &str = include_str!("../host/sandbox/certificate.pem");

    fn known() -> Subject {
        Subject {
            common_name: "Kaspersky Anti-Virus Personal Root Certificate".to_owned(),
            organization: "AO Kaspersky Lab".to_owned(),
        }
    }

    fn der() -> Vec<u8> {
        let body: String = PEM.lines().filter(|line| !line.starts_with("-----")).collect();
        let mut der = Vec::new();
        Bits::default().decode(body.as_bytes(), &mut der).unwrap();
        der
    }

    #[test]
    fn a_subject_is_read_from_pem_from_der_and_from_each_of_many() {
        assert_eq!(subjects(PEM.as_bytes()), Ok(vec![known()]));
        assert_eq!(subjects(&der()), Ok(vec![known()]));
        let both = format!(
            "# two\n{PEM}-----BEGIN PRIVATE KEY-----\n!\n-----END PRIVATE KEY-----\n{}",
            PEM.replace('\n', "\r\n")
        );
        assert_eq!(subjects(both.as_bytes()), Ok(vec![known(), known()]));
        assert_eq!(subjects(b"no certificate at all\n"), Ok(Vec::new()));
    }

    #[test]
    fn what_is_cut_off_or_garbled_is_refused_and_never_an_empty_list() {
        let der = der();
        for end in 1..der.len() {
            assert!(subjects(&der[..end]).is_err(), "cut at {end}");
        }
        assert_eq!(subjects(&PEM.as_bytes()[..200]), Err(NoCertificate::Pem));
        assert_eq!(subjects(PEM.replacen('M', "!", 1).as_bytes()), Err(NoCertificate::Pem));
        assert_eq!(
            subjects(PEM.replacen("MII", "AII", 1).as_bytes()),
            Err(NoCertificate::Der)
        );
    }

    #[test]
    fn no_change_of_one_byte_makes_the_walk_leave_the_certificate() {
        let der = der();
        for at in 0..der.len() {
            for value in [0, 0x30, 0x7f, 0x80, 0x84, 0xff] {
                let mut changed = der.clone();
                changed[at] = value;
                let _ = subjects(&changed);
            }
        }
    }
}

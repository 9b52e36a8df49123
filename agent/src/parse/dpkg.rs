//! dpkg's database, `/var/lib/dpkg/status`: stanzas of `Field: value`, each closed by an empty line.
//!
//! Nothing is copied: a stanza borrows from the bytes, and fields that are not used are not even read as text, so that a
//! maintainer's name in an old encoding does no harm. dpkg closes the last stanza too (`writedb_stanzas` in its source),
//! so a file that ends otherwise was cut.

use crate::facts::{Package, PackageState};

/// Why a database cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DpkgError {
    /// Not one stanza in it.
    #[error("holds no package at all")]
    Empty,
    /// Ends inside a stanza.
    #[error("is cut off in the middle of an entry, at line {line}")]
    Cut {
        /// The last line.
        line: usize,
    },
    /// A line or a field that dpkg does not write.
    #[error("is damaged at line {line}: {why}")]
    Damaged {
        /// Counted from 1.
        line: usize,
        /// What is wrong there.
        why: &'static str,
    },
}

/// One package's entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stanza<'a> {
    /// `Package`.
    pub name: &'a str,
    /// `Version`; empty where nothing is installed.
    pub version: &'a str,
    /// `Architecture`; empty where nothing is installed.
    pub architecture: &'a str,
    /// The third word of `Status`.
    pub state: PackageState,
}

impl Stanza<'_> {
    /// A copy of its own.
    #[must_use]
    pub fn to_package(&self) -> Package {
        Package {
            name: self.name.to_owned(),
            version: self.version.to_owned(),
            architecture: self.architecture.to_owned(),
            state: self.state,
            installed_s: None,
        }
    }
}

/// The stanzas of a database, one by one. After an error it yields nothing more; whoever does not read to the end has
/// not seen that the file is whole.
#[derive(Debug)]
pub struct Stanzas<'a> {
    rest: &'a [u8],
    line: usize,
    seen_any: bool,
    /// Whether the last stanza must be closed by an empty line.
    closed: bool,
    over: bool,
}

/// Reads a whole database (`status`).
#[must_use]
pub const fn stanzas(bytes: &[u8]) -> Stanzas<'_> {
    Stanzas {
        rest: bytes,
        line: 0,
        seen_any: false,
        closed: true,
        over: false,
    }
}

/// Reads one record of dpkg's own journal (`updates/NNNN`), which it folds into the database at the end of a run. Its
/// stanza is not closed by an empty line.
#[must_use]
pub const fn update_record(bytes: &[u8]) -> Stanzas<'_> {
    let mut stanzas = stanzas(bytes);
    stanzas.closed = false;
    stanzas
}

impl<'a> Iterator for Stanzas<'a> {
    type Item = Result<Stanza<'a>, DpkgError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.over {
            return None;
        }
        let next = self.stanza().transpose();
        self.over = !matches!(next, Some(Ok(_)));
        next
    }
}

/// The fields of a stanza while it is read.
#[derive(Default)]
struct Fields<'a> {
    name: Option<&'a [u8]>,
    version: Option<&'a [u8]>,
    architecture: Option<&'a [u8]>,
    status: Option<&'a [u8]>,
}

impl<'a> Stanzas<'a> {
    fn stanza(&mut self) -> Result<Option<Stanza<'a>>, DpkgError> {
        while let Some(rest) = self.rest.strip_prefix(b"\n") {
            self.rest = rest;
            self.line += 1;
        }
        if self.rest.is_empty() {
            return if self.seen_any { Ok(None) } else { Err(DpkgError::Empty) };
        }
        let mut fields = Fields::default();
        let mut in_field = false;
        loop {
            if self.rest.is_empty() {
                if self.closed {
                    return Err(DpkgError::Cut { line: self.line });
                }
                break;
            }
            let line = self.take_line()?;
            match line.first() {
                None => break,
                Some(b' ' | b'\t') if in_field => {}
                Some(b' ' | b'\t') => {
                    return Err(self.damaged("a continued line continues nothing"));
                }
                Some(_) => {
                    in_field = true;
                    self.field(line, &mut fields)?;
                }
            }
        }
        self.seen_any = true;
        self.finish(&fields).map(Some)
    }

    fn take_line(&mut self) -> Result<&'a [u8], DpkgError> {
        self.line += 1;
        let end = self
            .rest
            .iter()
            .position(|byte| *byte == b'\n')
            .ok_or(DpkgError::Cut { line: self.line })?;
        let (line, rest) = self.rest.split_at(end);
        self.rest = rest.get(1..).unwrap_or_default();
        Ok(line)
    }

    fn field(&self, line: &'a [u8], fields: &mut Fields<'a>) -> Result<(), DpkgError> {
        let colon = line
            .iter()
            .position(|byte| *byte == b':')
            .filter(|colon| *colon > 0)
            .ok_or_else(|| self.damaged("no field name before a colon"))?;
        let (name, value) = line.split_at(colon);
        let slot = if name.eq_ignore_ascii_case(b"Package") {
            &mut fields.name
        } else if name.eq_ignore_ascii_case(b"Version") {
            &mut fields.version
        } else if name.eq_ignore_ascii_case(b"Architecture") {
            &mut fields.architecture
        } else if name.eq_ignore_ascii_case(b"Status") {
            &mut fields.status
        } else {
            return Ok(());
        };
        let value = value.get(1..).unwrap_or_default().trim_ascii();
        match slot.replace(value) {
            None => Ok(()),
            Some(_) => Err(self.damaged("a field stands twice in one entry")),
        }
    }

    fn finish(&self, fields: &Fields<'a>) -> Result<Stanza<'a>, DpkgError> {
        let name = fields.name.ok_or_else(|| self.damaged("an entry without Package"))?;
        let status = fields.status.ok_or_else(|| self.damaged("an entry without Status"))?;
        let state = state(status).ok_or_else(|| self.damaged("Status is none that dpkg writes"))?;
        let name = text(name)
            .filter(|name| is_package_name(name))
            .ok_or_else(|| self.damaged("Package is not a package name"))?;
        let version =
            text(fields.version.unwrap_or_default()).ok_or_else(|| self.damaged("Version is not plain text"))?;
        if version.is_empty() && state != PackageState::NotInstalled {
            return Err(self.damaged("an installed package without Version"));
        }
        Ok(Stanza {
            name,
            version,
            architecture: text(fields.architecture.unwrap_or_default())
                .ok_or_else(|| self.damaged("Architecture is not plain text"))?,
            state,
        })
    }

    const fn damaged(&self, why: &'static str) -> DpkgError {
        DpkgError::Damaged { line: self.line, why }
    }
}

/// `want flag state`, for example `install ok installed`.
fn state(status: &[u8]) -> Option<PackageState> {
    let mut words = text(status)?.split_ascii_whitespace();
    let (want, flag, state) = (words.next()?, words.next()?, words.next()?);
    let known = matches!(want, "unknown" | "install" | "hold" | "deinstall" | "purge")
        && matches!(flag, "ok" | "reinstreq")
        && words.next().is_none();
    known.then(|| PackageState::parse(state).ok()).flatten()
}

fn text(value: &[u8]) -> Option<&str> {
    value
        .iter()
        .all(|byte| byte.is_ascii_graphic() || *byte == b' ')
        .then(|| std::str::from_utf8(value).ok())
        .flatten()
}

/// Debian Policy 5.6.7; old packages also use capitals and `_`.
fn is_package_name(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.' | b'_'))
}

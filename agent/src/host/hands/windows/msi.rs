//! Windows Installer, by its own interface: what the helper process does.
#![expect(unsafe_code, reason = "Windows Installer is asked by an interface of C alone")]

use std::{
    io::{self, Write as _},
    os::windows::io::{FromRawHandle, OwnedHandle},
    path::PathBuf,
    ptr,
};

use cutover_proto::secret::is_property;
use serde::{Deserialize, Serialize};
use windows_sys::Win32::System::{
    ApplicationInstallationAndServicing::{
        INSTALLLOGATTRIBUTES_APPEND, INSTALLLOGMODE_ACTIONDATA, INSTALLLOGMODE_ACTIONSTART, INSTALLLOGMODE_COMMONDATA,
        INSTALLLOGMODE_ERROR, INSTALLLOGMODE_FATALEXIT, INSTALLLOGMODE_INFO, INSTALLLOGMODE_OUTOFDISKSPACE,
        INSTALLLOGMODE_RESOLVESOURCE, INSTALLLOGMODE_USER, INSTALLLOGMODE_VERBOSE, INSTALLLOGMODE_WARNING,
        INSTALLSTATE_ABSENT, INSTALLUILEVEL_NONE, MsiConfigureProductExW, MsiEnableLogW, MsiInstallProductW,
        MsiSetInternalUI,
    },
    Threading::{OpenMutexW, SYNCHRONIZATION_SYNCHRONIZE},
};
use zeroize::{Zeroize, Zeroizing};

use super::super::seam::Said;
use crate::host::windows::native::wide;

/// `ERROR_INSTALL_ALREADY_RUNNING`.
const BUSY: u32 = 1618;
/// `ERROR_INVALID_COMMAND_LINE`.
const OUR_FAULT: u32 = 1639;
/// There while an installation is at work ("_MSIExecute Mutex" of Windows Installer's documentation).
const AT_WORK: &str = r"Global\_MSIExecute";
/// Its own way of leaving the restart to whoever asked; the exit code says that one is owed.
const NO_RESTART: (&str, &str) = ("REBOOT", "ReallySuppress");
/// All but what properties hold (`PROPERTYDUMP`): among them are passwords.
const TOLD: i32 = INSTALLLOGMODE_FATALEXIT
    | INSTALLLOGMODE_ERROR
    | INSTALLLOGMODE_WARNING
    | INSTALLLOGMODE_USER
    | INSTALLLOGMODE_INFO
    | INSTALLLOGMODE_RESOLVESOURCE
    | INSTALLLOGMODE_OUTOFDISKSPACE
    | INSTALLLOGMODE_ACTIONSTART
    | INSTALLLOGMODE_ACTIONDATA
    | INSTALLLOGMODE_COMMONDATA
    | INSTALLLOGMODE_VERBOSE;

/// What is to become of what.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Wanted {
    /// The product of this code, in braces, is to go.
    Remove(String),
    /// What this file holds is to come.
    Install(PathBuf),
}

/// What Windows Installer is asked for.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// What is to be done.
    pub wanted: Wanted,
    /// What is said with it.
    pub properties: Vec<Property>,
    /// The file that it writes its log to, behind what is there.
    pub log: PathBuf,
}

/// A public property, and what it is to be.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Property {
    /// Capital letters, digits, `_` and `.`: others reach no installation.
    pub name: String,
    /// Perhaps a password; blanked when this goes.
    pub value: String,
}

impl From<&Said> for Property {
    fn from(said: &Said) -> Self {
        Self {
            name: said.property.clone(),
            value: said.value.as_str().to_owned(),
        }
    }
}

impl Drop for Property {
    fn drop(&mut self) {
        self.value.zeroize();
    }
}

/// Without the value.
impl std::fmt::Debug for Property {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Property")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// Carries a request out, and gives what Windows Installer answered: 0, or one of its error codes.
#[must_use]
pub fn perform(request: &Request) -> u32 {
    let Some(line) = command_line(&request.properties) else {
        return OUR_FAULT;
    };
    if is_at_work() {
        // Nothing else tells why: Windows Installer writes no log of what it was not asked for.
        let _ = writeln!(
            io::stderr(),
            "another installation is at work, so this one was not begun"
        );
        return BUSY;
    }
    let log = wide(&request.log.to_string_lossy());
    // SAFETY: null means no window of anybody's.
    unsafe { MsiSetInternalUI(INSTALLUILEVEL_NONE, ptr::null_mut()) };
    // SAFETY: the path has its zero and outlives the call.
    let logged = unsafe {
        MsiEnableLogW(
            TOLD.cast_unsigned(),
            log.as_ptr(),
            INSTALLLOGATTRIBUTES_APPEND.cast_unsigned(),
        )
    };
    if logged != 0 {
        // Without its log it is worth as much.
        let _ = writeln!(io::stderr(), "Windows Installer writes no log: error {logged}");
    }
    match &request.wanted {
        Wanted::Remove(product) => {
            let product = wide(product);
            // SAFETY: both texts have their zero and outlive the call; the level is of no consequence for a removal.
            unsafe { MsiConfigureProductExW(product.as_ptr(), 0, INSTALLSTATE_ABSENT, line.as_ptr()) }
        }
        Wanted::Install(file) => {
            let file = wide(&file.to_string_lossy());
            // SAFETY: both texts have their zero and outlive the call.
            unsafe { MsiInstallProductW(file.as_ptr(), line.as_ptr()) }
        }
    }
}

/// Whether an installation is at work. Windows Installer itself would say so only after it began with this one.
pub(super) fn is_at_work() -> bool {
    let name = wide(AT_WORK);
    // SAFETY: the name has its zero and outlives the call.
    let handle = unsafe { OpenMutexW(SYNCHRONIZATION_SYNCHRONIZE, 0, name.as_ptr()) };
    if handle.is_null() {
        return false;
    }
    // SAFETY: it was opened just now, and nobody else has it.
    drop(unsafe { OwnedHandle::from_raw_handle(handle) });
    true
}

/// `NAME="value"`, one beside the other; a quote within a value stands double. `None` where a name is none.
fn command_line(properties: &[Property]) -> Option<Zeroizing<Vec<u16>>> {
    let mut line = Zeroizing::new(format!("{}={}", NO_RESTART.0, NO_RESTART.1));
    for property in properties {
        if !is_property(&property.name) || property.value.contains('\0') {
            return None;
        }
        let quoted = Zeroizing::new(property.value.replace('"', "\"\""));
        line.push_str(&format!(" {}=\"", property.name));
        line.push_str(&quoted);
        line.push('"');
    }
    Some(Zeroizing::new(wide(&line)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(properties: &[(&str, &str)]) -> Option<String> {
        let properties: Vec<Property> = properties
            .iter()
            .map(|(name, value)| Property {
                name: (*name).to_owned(),
                value: (*value).to_owned(),
            })
            .collect();
        let line = command_line(&properties)?;
        Some(String::from_utf16_lossy(line.strip_suffix(&[0])?))
    }

    #[test]
    fn values_are_said_whole_whatever_is_in_them() {
        assert_eq!(line(&[]).unwrap(), "REBOOT=ReallySuppress");
        assert_eq!(
            line(&[("KLLOGIN", "KLAdmin"), ("KLPASSWD", "a \"b\" C=1")]).unwrap(),
            r#"REBOOT=ReallySuppress KLLOGIN="KLAdmin" KLPASSWD="a ""b"" C=1""#
        );
    }

    #[test]
    fn what_is_no_public_property_is_no_part_of_the_line() {
        for name in ["", "kllogin", "A B", "A=\"", "1A", "A\""] {
            assert_eq!(line(&[(name, "x")]), None, "{name}");
        }
        assert_eq!(line(&[("A", "x\0y")]), None);
    }

    #[test]
    fn a_request_shows_no_value_where_it_is_written_down() {
        let request = Request {
            wanted: Wanted::Remove("{0}".to_owned()),
            properties: vec![Property {
                name: "KLPASSWD".to_owned(),
                value: "Pa55word".to_owned(),
            }],
            log: PathBuf::from("l"),
        };
        assert!(!format!("{request:?}").contains("Pa55word"));
    }
}

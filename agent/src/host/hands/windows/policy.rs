//! Takes away a policy that is set on this machine alone. A closed list: no other value is written or deleted by these hands.

use cutover_proto::policy::Policy;
use windows_registry::LOCAL_MACHINE;
use windows_sys::Win32::System::Registry::KEY_WOW64_64KEY;

use super::super::seam::HandsError;
use crate::host::{
    policies,
    windows::native::{NOT_FOUND, code_of},
};

/// Deletes its value, and no key. What is not there is deleted already.
pub(super) fn unset(policy: Policy) -> Result<(), HandsError> {
    let (path, value) = policies::place(policy);
    let deleted = LOCAL_MACHINE
        .options()
        .read()
        .write()
        .access(KEY_WOW64_64KEY)
        .open(path)
        .and_then(|key| key.remove_value(value));
    match deleted {
        Ok(()) => Ok(()),
        Err(error) if NOT_FOUND.contains(&code_of(error.code().0)) => Ok(()),
        Err(error) => Err(HandsError::io(
            format!(r"delete {value} in HKLM\{path}"),
            std::io::Error::other(error),
        )),
    }
}

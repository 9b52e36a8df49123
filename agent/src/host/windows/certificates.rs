//! The machine's trusted root certificates.
#![expect(unsafe_code, reason = "certificate stores are told by an interface of C alone")]

use std::ptr;

use windows_sys::{
    Win32::Security::Cryptography::{
        CERT_CONTEXT, CERT_NAME_ATTR_TYPE, CERT_NAME_SIMPLE_DISPLAY_TYPE, CERT_STORE_OPEN_EXISTING_FLAG,
        CERT_STORE_PROV_SYSTEM_W, CERT_STORE_READONLY_FLAG, CERT_SYSTEM_STORE_LOCAL_MACHINE, CertCloseStore,
        CertEnumCertificatesInStore, CertGetNameStringW, CertOpenStore, HCERTSTORE,
    },
    core::PCSTR,
    s,
};

use super::native;
use crate::facts::{Answer, RootSubject};

/// X.520's.
const COMMON_NAME: PCSTR = s!("2.5.4.3");
const ORGANIZATION: PCSTR = s!("2.5.4.10");
/// Longer names are cut.
const LONGEST: usize = 1024;

/// Closed when it goes.
struct Store(HCERTSTORE);

impl Drop for Store {
    fn drop(&mut self) {
        // SAFETY: it was opened by this type's only maker, and is closed once.
        unsafe { CertCloseStore(self.0, 0) };
    }
}

pub(super) fn roots() -> Answer<Vec<RootSubject>> {
    let name = native::wide("ROOT");
    let flags = CERT_SYSTEM_STORE_LOCAL_MACHINE | CERT_STORE_READONLY_FLAG | CERT_STORE_OPEN_EXISTING_FLAG;
    // SAFETY: for this provider the last argument is the store's name, which ends with a zero.
    let handle = unsafe { CertOpenStore(CERT_STORE_PROV_SYSTEM_W, 0, 0, flags, name.as_ptr().cast()) };
    if handle.is_null() {
        let code = native::code_of(native::last_error().cast_signed());
        return native::answer_of(code, "the store of root certificates")
            .expected(|| "the store of root certificates is missing, which every Windows has".to_owned());
    }
    let store = Store(handle);
    let mut roots = Vec::new();
    let mut at: *const CERT_CONTEXT = ptr::null();
    loop {
        // SAFETY: the store is open, and the call frees the certificate that it is given, which is not used after.
        at = unsafe { CertEnumCertificatesInStore(store.0, at) };
        if at.is_null() {
            return Answer::Found(roots);
        }
        roots.push(RootSubject {
            common_name: attribute(at, COMMON_NAME),
            organization: attribute(at, ORGANIZATION),
        });
    }
}

fn attribute(certificate: *const CERT_CONTEXT, id: PCSTR) -> String {
    name(certificate, CERT_NAME_ATTR_TYPE, id)
}

/// Whose a certificate is, in the one name by which Windows shows it.
pub(super) fn shown(certificate: *const CERT_CONTEXT) -> String {
    name(certificate, CERT_NAME_SIMPLE_DISPLAY_TYPE, ptr::null())
}

/// Empty where it has none.
fn name(certificate: *const CERT_CONTEXT, kind: u32, id: PCSTR) -> String {
    let mut name = vec![0_u16; LONGEST];
    // SAFETY: whoever calls has the certificate open; the buffer has the stated length.
    unsafe { CertGetNameStringW(certificate, kind, 0, id.cast(), name.as_mut_ptr(), LONGEST as u32) };
    native::text(&name)
}

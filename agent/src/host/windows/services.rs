//! Services and drivers: who there is by the service manager, what each starts by the registry.
#![expect(
    unsafe_code,
    reason = "the crate for services lists services alone, and drivers are wanted too"
)]

use std::ptr;

use windows_registry::LOCAL_MACHINE;
use windows_sys::Win32::{
    Foundation::ERROR_MORE_DATA,
    System::Services::{
        CloseServiceHandle, ENUM_SERVICE_STATUS_PROCESSW, EnumServicesStatusExW, OpenSCManagerW, SC_ENUM_PROCESS_INFO,
        SC_HANDLE, SC_MANAGER_CONNECT, SC_MANAGER_ENUMERATE_SERVICE, SERVICE_DRIVER, SERVICE_STATE_ALL,
        SERVICE_STOPPED,
    },
};

use super::{native, registry};
use crate::facts::{Answer, ServiceState, WindowsService};

/// The most that one call gives (EnumServicesStatusExW).
const AT_ONCE: usize = 256 * 1024;
/// `SERVICE_TYPE_ALL`: services, drivers, and what each user has of his own.
const EVERY_KIND: u32 = 0x3ff;
const SERVICES: &str = r"SYSTEM\CurrentControlSet\Services";

/// Closed when it goes.
struct Manager(SC_HANDLE);

impl Drop for Manager {
    fn drop(&mut self) {
        // SAFETY: it was opened by this type's only maker, and is closed once.
        unsafe { CloseServiceHandle(self.0) };
    }
}

pub(super) fn all() -> Answer<Vec<WindowsService>> {
    // SAFETY: null names this machine and its active database.
    let handle = unsafe {
        OpenSCManagerW(
            ptr::null(),
            ptr::null(),
            SC_MANAGER_CONNECT | SC_MANAGER_ENUMERATE_SERVICE,
        )
    };
    if handle.is_null() {
        let answer = native::answer_of(native::last_error(), "the list of services");
        return answer.expected(|| "Windows has no service manager".to_owned());
    }
    let manager = Manager(handle);
    let mut services = Vec::new();
    let mut resume = 0;
    // Aligned as the records that Windows puts there.
    let mut buffer = vec![0_u64; AT_ONCE / size_of::<u64>()];
    loop {
        let (mut needed, mut count) = (0, 0);
        // SAFETY: the buffer has the stated length and outlives the call; the group may be null.
        let done = unsafe {
            EnumServicesStatusExW(
                manager.0,
                SC_ENUM_PROCESS_INFO,
                EVERY_KIND,
                SERVICE_STATE_ALL,
                buffer.as_mut_ptr().cast(),
                AT_ONCE as u32,
                &raw mut needed,
                &raw mut count,
                &raw mut resume,
                ptr::null(),
            )
        };
        let code = if done == 0 { native::last_error() } else { 0 };
        if !matches!(code, 0 | ERROR_MORE_DATA) {
            let answer = native::answer_of(code, "the list of services");
            return answer.expected(|| "Windows lists no services".to_owned());
        }
        for index in 0..count as usize {
            // SAFETY: Windows put `count` records there, one behind the other, aligned, and the texts that they point to
            // into the same buffer, each with its zero.
            let (record, name) = unsafe {
                let record = *buffer.as_ptr().cast::<ENUM_SERVICE_STATUS_PROCESSW>().add(index);
                let mut length = 0;
                while *record.lpServiceName.add(length) != 0 {
                    length += 1;
                }
                (record, std::slice::from_raw_parts(record.lpServiceName, length))
            };
            let status = record.ServiceStatusProcess;
            match service(
                String::from_utf16_lossy(name),
                status.dwServiceType,
                status.dwCurrentState,
            ) {
                Answer::Found(service) => services.push(service),
                Answer::Absent | Answer::Unsupported => {}
                Answer::Denied(why) => return Answer::Denied(why),
                Answer::Failed(why) => return Answer::Failed(why),
            }
        }
        if code == 0 {
            services.sort_by(|one, other| one.name.cmp(&other.name));
            return Answer::Found(services);
        }
        if count == 0 {
            return Answer::Failed("the list of services has an entry that is too long".to_owned());
        }
    }
}

fn service(name: String, kind: u32, state: u32) -> Answer<WindowsService> {
    let path = format!(r"{SERVICES}\{name}");
    let image = registry::open(LOCAL_MACHINE, false, &path).and_then(|key| registry::text(&key, "ImagePath"));
    let image = match image {
        Answer::Found(image) => image,
        // Some drivers have none.
        Answer::Absent | Answer::Unsupported => String::new(),
        Answer::Denied(why) => return Answer::Denied(why),
        Answer::Failed(why) => return Answer::Failed(why),
    };
    Answer::Found(WindowsService {
        name,
        is_driver: kind & SERVICE_DRIVER != 0,
        image,
        state: Some(if state == SERVICE_STOPPED {
            ServiceState::Stopped
        } else {
            ServiceState::Running
        }),
    })
}

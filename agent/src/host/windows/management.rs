//! What only Windows Management Instrumentation tells: Security Center's list, and Microsoft Defender's own word.
//!
//! Never the class of installed programs (`tests/tidy` looks for that). COM is joined as every thread of the process
//! may; each question has a thread of its own, since a provider that hangs must not take the look with it.

use std::{sync::mpsc, thread, time::Duration};

use serde::{Deserialize, de::DeserializeOwned};
use wmi::{WMIConnection, WMIError};

use super::native;
use crate::facts::{Answer, BitLockerVolume, DefenderStatus, Firmware, SecurityProduct};

const PATIENCE: Duration = Duration::from_secs(30);
const SECURITY_CENTER: &str = r"ROOT\SecurityCenter2";
const BITLOCKER: &str = r"ROOT\CIMV2\Security\MicrosoftVolumeEncryption";
const SYSTEM: &str = r"ROOT\CIMV2";
const DEFENDER: &str = r"ROOT\Microsoft\Windows\Defender";

/// `E_ACCESSDENIED` as it is left after its facility, and `WBEM_E_ACCESS_DENIED`.
const DENIED: [u32; 2] = [5, 0x8004_1003];
/// `WBEM_E_NOT_FOUND`, `WBEM_E_INVALID_NAMESPACE`, `WBEM_E_INVALID_CLASS`.
const NOTHING_THERE: [u32; 3] = [0x8004_1002, 0x8004_100e, 0x8004_1010];

#[derive(Deserialize)]
#[serde(rename = "AntiVirusProduct", rename_all = "camelCase")]
struct Listed {
    display_name: String,
    product_state: u32,
}

#[derive(Deserialize)]
#[serde(rename = "MSFT_MpComputerStatus", rename_all = "PascalCase")]
struct Status {
    #[serde(rename = "AMRunningMode")]
    running_mode: String,
    #[serde(rename = "AMServiceEnabled")]
    service_enabled: bool,
    antivirus_enabled: bool,
    real_time_protection_enabled: bool,
    antivirus_signature_age: u32,
}

#[derive(Deserialize)]
#[serde(rename = "Win32_EncryptableVolume", rename_all = "PascalCase")]
struct Volume {
    drive_letter: Option<String>,
    conversion_status: u32,
    protection_status: u32,
}

/// What the firmware says of the machine, and of no program on it.
#[derive(Deserialize)]
#[serde(rename = "Win32_ComputerSystemProduct", rename_all = "PascalCase")]
struct Machine {
    identifying_number: Option<String>,
    #[serde(rename = "UUID")]
    uuid: Option<String>,
}

pub(super) fn firmware() -> Answer<Firmware> {
    let query = "SELECT IdentifyingNumber, UUID FROM Win32_ComputerSystemProduct";
    asked::<Machine>(SYSTEM, query).and_then(|mut machines| match machines.pop() {
        Some(machine) => Answer::Found(Firmware {
            serial: machine.identifying_number.unwrap_or_default(),
            uuid: machine.uuid.unwrap_or_default(),
        }),
        None => Answer::Failed("Windows tells nothing of the machine that it runs on".to_owned()),
    })
}

/// Servers have BitLocker as a feature that is added.
pub(super) fn bit_locker() -> Answer<Vec<BitLockerVolume>> {
    let query = "SELECT DriveLetter, ConversionStatus, ProtectionStatus FROM Win32_EncryptableVolume";
    asked::<Volume>(BITLOCKER, query).map(|volumes| {
        let volume = |it: Volume| BitLockerVolume {
            drive: it.drive_letter.unwrap_or_default(),
            conversion: it.conversion_status,
            protection: it.protection_status,
        };
        let mut volumes: Vec<BitLockerVolume> = volumes.into_iter().map(volume).collect();
        volumes.sort_by(|one, other| one.drive.cmp(&other.drive));
        volumes
    })
}

/// Servers have no Security Center; a client that lacks it is not sound.
pub(super) fn security_center() -> Answer<Vec<SecurityProduct>> {
    if windows_version::is_server() {
        return Answer::Unsupported;
    }
    let listed = asked::<Listed>(
        SECURITY_CENTER,
        "SELECT displayName, productState FROM AntiVirusProduct",
    );
    let products = listed.map(|listed| {
        let product = |it: Listed| SecurityProduct {
            name: it.display_name,
            state: it.product_state,
        };
        listed.into_iter().map(product).collect()
    });
    products.expected(|| "Windows Security Center does not answer, which every client of Windows has".to_owned())
}

/// Servers may be without Defender; a client's may be off, and is there.
pub(super) fn defender() -> Answer<DefenderStatus> {
    let query = "SELECT AMRunningMode, AMServiceEnabled, AntivirusEnabled, RealTimeProtectionEnabled, \
                 AntivirusSignatureAge FROM MSFT_MpComputerStatus";
    let status = asked::<Status>(DEFENDER, query).and_then(|mut status| match status.pop() {
        Some(status) => Answer::Found(DefenderStatus {
            running_mode: status.running_mode,
            service_enabled: status.service_enabled,
            antivirus_enabled: status.antivirus_enabled,
            real_time_enabled: status.real_time_protection_enabled,
            signature_age_days: status.antivirus_signature_age,
        }),
        None => Answer::Failed("Microsoft Defender Antivirus tells nothing of itself".to_owned()),
    });
    if windows_version::is_server() {
        return status;
    }
    status.expected(|| "Microsoft Defender Antivirus does not answer, which every client of Windows has".to_owned())
}

/// `Absent` where the namespace or the class is not there.
fn asked<T: DeserializeOwned + Send + 'static>(namespace: &'static str, query: &'static str) -> Answer<Vec<T>> {
    let (told, heard) = mpsc::channel();
    let ask = move || {
        let rows = WMIConnection::with_namespace_path(namespace).and_then(|there| there.raw_query(query));
        // Nobody waits any more where it took too long.
        let _ = told.send(rows.map_err(|error| trouble(&error)));
    };
    if let Err(error) = thread::Builder::new().name("wmi".to_owned()).spawn(ask) {
        return Answer::Failed(format!("{namespace}: no thread can be started: {error}"));
    }
    match heard.recv_timeout(PATIENCE) {
        Ok(Ok(rows)) => Answer::Found(rows),
        Ok(Err((Some(code), _))) if NOTHING_THERE.contains(&code) => Answer::Absent,
        Ok(Err((Some(code), _))) if DENIED.contains(&code) => Answer::Denied(format!(
            "{namespace} may not be asked; run as administrator or as a service"
        )),
        Ok(Err((_, why))) => Answer::Failed(format!("{namespace}: {why}")),
        Err(_) => Answer::Failed(format!("{namespace} did not answer in {} s", PATIENCE.as_secs())),
    }
}

fn trouble(error: &WMIError) -> (Option<u32>, String) {
    let code = if let WMIError::HResultError { hres } = error {
        Some(native::code_of(*hres))
    } else {
        None
    };
    (code, error.to_string())
}

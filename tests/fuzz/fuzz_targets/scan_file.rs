//! A scan's file of a machine without a network: as it is brought, and as an inventory behind a signature that fits.

#![no_main]

use std::sync::LazyLock;

use cutover_proto::{
    envelope::{self, Context, SigningKey},
    scan_file::{FIRST_LINE, ScanFile},
};
use prost::Message;

static KEY: LazyLock<SigningKey> = LazyLock::new(|| {
    let wrapped = include_str!("../../../proto/golden/v1/keys/host-p256-pkcs8.hex");
    let digits: String = wrapped.split_whitespace().collect();
    let pkcs8 = hex::decode(digits).expect("hexadecimal");
    SigningKey::host(&pkcs8).expect("the key of the golden messages")
});

bounded::fuzz_target!(|data: &[u8]| {
    if let Ok(text) = std::str::from_utf8(data) {
        let _ = ScanFile::read(text).map_err(|error| error.to_string());
    }
    let signed = envelope::seal(Context::Inventory, data.to_vec(), &KEY).expect("a signature");
    let (key, inventory) = (hex::encode(KEY.spki_der()), hex::encode(signed.encode_to_vec()));
    if let Ok(read) = ScanFile::read(&format!("{FIRST_LINE}\nkey {key}\ninventory {inventory}\n")) {
        assert_eq!(read.envelope.body, data);
    }
});

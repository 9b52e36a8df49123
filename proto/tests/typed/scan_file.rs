use cutover_proto::scan_file::{ScanFile, ScanFileError};
use proptest::prelude::*;

use crate::{any, envelope::host_key};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn a_signed_scan_is_read_as_it_was_signed(inventory in any::inventory()) {
        let key = host_key();
        let read = ScanFile::read(&ScanFile::sign(inventory.clone(), &key).unwrap()).unwrap();
        prop_assert_eq!(read.inventory, inventory);
        prop_assert_eq!(read.key.key_id(), key.public().key_id());
    }

    #[test]
    fn a_signed_scan_that_was_changed_in_one_place_is_not_believed(
        inventory in any::inventory(), at in proptest::prelude::any::<prop::sample::Index>(), digit in 0_u8..15
    ) {
        let text = ScanFile::sign(inventory.clone(), &host_key()).unwrap();
        let mut bytes = text.into_bytes();
        let at = at.index(bytes.len());
        let other = b"0123456789abcdef"[usize::from(digit)];
        // Upper case spells the same bytes; the end of a line may be missing.
        prop_assume!(!bytes[at].eq_ignore_ascii_case(&other) && bytes[at] != b'\n');
        bytes[at] = other;
        let changed = String::from_utf8(bytes).unwrap();
        // A field that this version passes over says nothing; what is read is what was signed, or nothing.
        if let Ok(read) = ScanFile::read(&changed) {
            prop_assert_eq!(read.inventory, inventory);
        }
    }
}

#[test]
fn what_is_no_signed_scan_says_how_to_make_one() {
    for text in [
        "",
        "MZ",
        "cutover-signed-scan 1\n",
        "cutover-signed-scan 1\nkey 00\n",
        "cutover-signed-scan 1\nkey zz\n",
    ] {
        let error = ScanFile::read(text).unwrap_err();
        assert!(
            matches!(error, ScanFileError::Format(_) | ScanFileError::Envelope(_)),
            "{text}: {error}"
        );
    }
}

//! Files that an independent writer made, read here.

use proptest::prelude::*;
use regf::{
    DataType,
    writer::{HiveBuilder, KeyTreeNode, KeyTreeValue},
};

use super::*;

fn wide(text: &str) -> Vec<u8> {
    text.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect()
}

fn value(name: &str, data_type: DataType, data: Vec<u8>) -> KeyTreeValue {
    KeyTreeValue {
        name: name.to_owned(),
        data_type,
        data,
    }
}

fn node(name: &str, values: Vec<KeyTreeValue>, children: Vec<KeyTreeNode>) -> KeyTreeNode {
    KeyTreeNode {
        name: name.to_owned(),
        values,
        children,
    }
}

fn product(key: &str, name: &str) -> KeyTreeNode {
    let values = vec![
        value("DisplayName", DataType::String, wide(name)),
        value("WindowsInstaller", DataType::Dword, 1_u32.to_le_bytes().to_vec()),
    ];
    node(key, values, Vec::new())
}

fn tree() -> KeyTreeNode {
    let products = vec![
        product(
            "{9A017278-F7F4-4DF9-A482-0B97B70DD7ED}",
            "Kaspersky Endpoint Security for Windows",
        ),
        product("Касперский", "Kaspersky Password Manager (Русский)"),
        product("Café", "Other"),
    ];
    let software = node("Software", Vec::new(), vec![node("Uninstall", Vec::new(), products)]);
    let odd = vec![
        value("", DataType::String, wide("the key's own")),
        value(
            "Длинное",
            DataType::Binary,
            (0..40_000_u32).map(|at| at as u8).collect(),
        ),
        value("short", DataType::Binary, vec![1, 2, 3]),
        value("plain", DataType::Binary, vec![7; 16_344]),
        value("none", DataType::Binary, Vec::new()),
        value("list", DataType::MultiString, wide("a")),
        value("eight", DataType::Qword, 5_u64.to_le_bytes().to_vec()),
    ];
    node("ROOT", Vec::new(), vec![software, node("Values", odd, Vec::new())])
}

fn made(tree: KeyTreeNode, minor: u32) -> Vec<u8> {
    let mut builder = HiveBuilder::from_tree_with_version(tree, 1, minor).expect("a tree is written");
    builder.to_bytes().expect("it is kept in memory")
}

fn open(bytes: &[u8]) -> Hive<&[u8]> {
    Hive::open(bytes).expect("a sound file")
}

fn names(hive: &Hive<&[u8]>, path: &str) -> Vec<String> {
    let key = hive.key(path).expect("it is sound").expect("it is there");
    let keys = hive.subkeys(&key).expect("all are sound");
    keys.iter().map(|key| key.name().to_owned()).collect()
}

fn text(hive: &Hive<&[u8]>, path: &str, name: &str) -> Option<String> {
    let key = hive.key(path).expect("it is sound").expect("it is there");
    let value = hive.value(&key, name).expect("all are sound")?;
    hive.text(&value, 1 << 10).expect("it is sound")
}

/// Sets a number of the header, and its checksum right.
fn forged(bytes: &[u8], at: usize, number: u32) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[at..at + 4].copy_from_slice(&number.to_le_bytes());
    sealed(bytes)
}

fn sealed(mut bytes: Vec<u8>) -> Vec<u8> {
    let sum = bytes[..508]
        .chunks_exact(4)
        .fold(0, |sum, word| sum ^ super::number(word, 0));
    bytes[508..512].copy_from_slice(&sum.to_le_bytes());
    bytes
}

/// Where this lies in the file; there is one.
fn place(bytes: &[u8], wanted: &[u8]) -> usize {
    let mut found = bytes
        .windows(wanted.len())
        .enumerate()
        .filter(|(_, part)| *part == wanted);
    let at = found.next().expect("it is there").0;
    assert!(found.next().is_none(), "there are two");
    at
}

/// Where the contents of a key's cell begin.
fn key_place(bytes: &[u8], name: &[u8]) -> usize {
    place(bytes, name) - super::key::FIXED
}

#[test]
fn what_another_program_wrote_is_read_in_every_version() {
    for minor in 3..=5 {
        let bytes = made(tree(), minor);
        let hive = open(&bytes);
        let mut keys = names(&hive, r"software\UNINSTALL");
        keys.sort();
        assert_eq!(keys, ["Café", "{9A017278-F7F4-4DF9-A482-0B97B70DD7ED}", "Касперский"]);
        let told = text(&hive, r"Software\Uninstall\КАСПЕРСКИЙ", "displayname");
        assert_eq!(told.as_deref(), Some("Kaspersky Password Manager (Русский)"));
        assert_eq!(text(&hive, r"Software\Uninstall\CAFÉ", "Publisher"), None);
        assert_eq!(hive.key(r"Software\Uninstall\Cafe").expect("all are sound"), None);
        assert_eq!(text(&hive, "Values", "").as_deref(), Some("the key's own"));
    }
}

#[test]
fn values_are_read_where_they_lie_in_place_in_a_cell_and_in_segments() {
    let bytes = made(tree(), 5);
    let hive = open(&bytes);
    let key = hive.key("values").expect("sound").expect("there");
    let data = |name: &str| {
        let value = hive.value(&key, name).expect("sound").expect("there");
        hive.data(&value, 1 << 20).expect("it is whole")
    };
    let long: Vec<u8> = (0..40_000_u32).map(|at| at as u8).collect();
    assert_eq!(data("ДЛИННОЕ"), long);
    assert_eq!(data("short"), [1, 2, 3]);
    assert_eq!(data("plain"), [7; 16_344]);
    assert_eq!(data("none"), Vec::<u8>::new());
    assert_eq!(data("eight"), 5_u64.to_le_bytes());
    let kinds = hive.values(&key).expect("all are sound");
    let kind = |name: &str| kinds.iter().find(|value| value.name() == name).map(Value::kind);
    assert_eq!(kind("eight"), Some(Kind::Number));
    assert_eq!(kind("list"), Some(Kind::Other));
    assert_eq!(kinds.len(), 7);
}

#[test]
fn a_value_that_is_longer_than_it_may_be_is_an_error() {
    let bytes = made(tree(), 5);
    let hive = open(&bytes);
    let key = hive.key("values").expect("sound").expect("there");
    let long = hive.value(&key, "Длинное").expect("sound").expect("there");
    assert!(matches!(hive.data(&long, 39_999), Err(HiveError::TooLong(40_000))));
}

#[test]
fn a_thousand_keys_in_lists_of_lists_are_all_read() {
    let children = (0..3_000).map(|at| node(&format!("key {at:04}"), Vec::new(), Vec::new()));
    let bytes = made(node("ROOT", Vec::new(), children.collect()), 5);
    let list = key_place(&bytes, b"ROOT");
    let list = 4096 + super::number(&bytes, list + 28) as usize + 4;
    assert_eq!(&bytes[list..list + 2], b"ri");
    let hive = open(&bytes);
    assert_eq!(names(&hive, "").len(), 3_000);
    assert!(hive.key("KEY 2999").expect("all are sound").is_some());
    // A list of lists of lists.
    let mut nested = bytes.clone();
    let first = 4096 + super::number(&bytes, list + 4) as usize + 4;
    nested[first..first + 2].copy_from_slice(b"ri");
    assert!(matches!(open(&nested).key("key 0001"), Err(HiveError::Damaged { .. })));
}

#[test]
fn a_list_of_offsets_alone_is_read() {
    let mut bytes = made(tree(), 3);
    let key = key_place(&bytes, b"Uninstall");
    let list = 4096 + super::number(&bytes, key + 28) as usize + 4;
    assert_eq!(&bytes[list..list + 4], b"lf\x03\0");
    let offsets: Vec<[u8; 4]> = (0..3)
        .map(|at| *bytes[list + 4 + 8 * at..].first_chunk().expect("an offset"))
        .collect();
    bytes[list..list + 2].copy_from_slice(b"li");
    for (at, offset) in offsets.iter().enumerate() {
        bytes[list + 4 + 4 * at..][..4].copy_from_slice(offset);
    }
    assert_eq!(names(&open(&bytes), r"Software\Uninstall").len(), 3);
}

#[test]
fn a_file_that_was_not_written_out_whole_is_refused() {
    let bytes = made(tree(), 5);
    let unfinished = |bytes: &[u8]| matches!(Hive::open(bytes), Err(HiveError::Unfinished));
    assert!(unfinished(&forged(&bytes, 4, 77)));
    let mut wrong = bytes;
    wrong[508] ^= 1;
    assert!(unfinished(&wrong));
}

#[test]
fn a_header_that_says_what_cannot_be_is_refused() {
    let bytes = made(tree(), 5);
    let why = |bytes: &[u8]| Hive::open(bytes).expect_err("it is refused").to_string();
    for (at, number, wanted) in [
        (20, 2, "of version 2.5"),
        (24, 6, "of version 1.6"),
        (24, 2, "of version 1.2"),
        (28, 1, "kind of file"),
        (40, 0, "length"),
        (40, 4097, "length"),
        (40, u32::MAX - 4095, "length"),
        (40, 1 << 30, "cut short"),
        (36, u32::MAX, "without a root"),
    ] {
        let said = why(&forged(&bytes, at, number));
        assert!(said.contains(wanted), "{at} {number}: {said}");
    }
    assert!(why(b"MZ").contains("no file of the registry"));
    assert!(why(b"regf").contains("cut short"));
    assert!(why(&bytes[..bytes.len() - 1]).contains("cut short"));
    for root in [4, 31, 0x7fff_fff8] {
        assert!(open(&forged(&bytes, 36, root)).root().is_err(), "{root}");
    }
}

#[test]
fn a_count_that_contradicts_its_list_is_an_error_and_no_shorter_list() {
    let bytes = made(tree(), 5);
    let key = key_place(&bytes, b"Uninstall");
    for count in [0, 1, 2, 4, 1 << 16, u32::MAX] {
        let mut bytes = bytes.clone();
        bytes[key + 20..key + 24].copy_from_slice(&u32::to_le_bytes(count));
        let hive = open(&bytes);
        let uninstall = hive.key(r"Software\Uninstall").expect("sound").expect("there");
        assert!(hive.subkeys(&uninstall).is_err(), "{count}");
        assert!(hive.key(r"Software\Uninstall\none").is_err(), "{count}");
    }
}

#[test]
fn a_list_that_names_a_key_twice_or_leads_into_a_circle_is_an_error() {
    let bytes = made(tree(), 5);
    let key = key_place(&bytes, b"Uninstall");
    let list = 4096 + super::number(&bytes, key + 28) as usize + 4;
    let uninstall = (key - 4 - 4096) as u32;
    let software = (key_place(&bytes, b"Software") - 4 - 4096) as u32;
    let root = super::number(&bytes, 36);
    let first = super::number(&bytes, list + 4);
    for wrong in [first, uninstall, software, root, 0, 12, u32::MAX] {
        let mut bytes = bytes.clone();
        bytes[list + 12..list + 16].copy_from_slice(&wrong.to_le_bytes());
        let hive = open(&bytes);
        let key = hive.key(r"Software\Uninstall").expect("sound").expect("there");
        assert!(hive.subkeys(&key).is_err(), "{wrong:#x}");
    }
}

#[test]
fn what_windows_keeps_in_memory_alone_is_not_there_and_a_link_cannot_be_told() {
    let bytes = made(tree(), 5);
    let key = key_place(&bytes, b"Uninstall");
    // A count of such keys, whose list lies in memory.
    let mut volatile = bytes.clone();
    volatile[key + 24..key + 28].copy_from_slice(&5_u32.to_le_bytes());
    volatile[key + 32..key + 36].copy_from_slice(&0x8000_0020_u32.to_le_bytes());
    assert_eq!(names(&open(&volatile), r"Software\Uninstall").len(), 3);
    for flag in [0x02, 0x10, 0x40] {
        let mut link = bytes.clone();
        link[key + 2] |= flag;
        let link = open(&link);
        assert!(link.key(r"Software\Uninstall").expect("it is there").is_some());
        assert!(matches!(link.key(r"Software\Uninstall\Café"), Err(HiveError::Link)));
    }
}

#[test]
fn cells_that_are_free_or_reach_out_of_the_file_are_errors() {
    let bytes = made(tree(), 5);
    let size = key_place(&bytes, b"Uninstall") - 4;
    for wrong in [96_i32, 0, -4, -7, -8, -1_000_000, i32::MIN, i32::MAX] {
        let mut bytes = bytes.clone();
        bytes[size..size + 4].copy_from_slice(&wrong.to_le_bytes());
        assert!(open(&bytes).key(r"Software\Uninstall").is_err(), "{wrong}");
    }
}

#[test]
fn a_segment_that_is_missing_is_an_error_and_no_shorter_value() {
    let bytes = made(tree(), 5);
    let head = place(&bytes, b"db\x03\0");
    for count in [0_u16, 1, 2, 4, u16::MAX] {
        let mut bytes = bytes.clone();
        bytes[head + 2..head + 4].copy_from_slice(&count.to_le_bytes());
        let hive = open(&bytes);
        let key = hive.key("values").expect("sound").expect("there");
        let long = hive.value(&key, "Длинное").expect("sound").expect("there");
        assert!(hive.data(&long, 1 << 20).is_err(), "{count}");
    }
}

#[test]
fn no_file_is_read_for_ever() {
    let values = (0..2_000).map(|at| value(&format!("{at:0>1000}"), DataType::Dword, vec![0; 4]));
    let bytes = made(node("ROOT", values.collect(), Vec::new()), 5);
    let hive = open(&bytes);
    let root = hive.root().expect("sound");
    let end = (0..100).find_map(|_| hive.value(&root, "none").err());
    assert!(matches!(end, Some(HiveError::TooMany("bytes"))), "{end:?}");
}

/// All that a look can ask, and how many keys it was told of; whatever is damaged ends it.
fn walk(bytes: &[u8]) -> Result<Vec<String>, HiveError> {
    let hive = Hive::open(bytes)?;
    let mut told = Vec::new();
    let mut todo = vec![hive.root()?];
    while let Some(key) = todo.pop() {
        told.push(key.name().to_owned());
        for value in hive.values(&key)? {
            let data = hive.data(&value, 1 << 16)?;
            told.push(format!("{} {:?} {}", value.name(), value.kind(), data.len()));
        }
        todo.extend(hive.subkeys(&key)?);
    }
    Ok(told)
}

fn keys_of(bytes: &[u8]) -> Option<usize> {
    let hive = Hive::open(bytes).ok()?;
    let mut count = 0;
    let mut todo = vec![hive.root().ok()?];
    while let Some(key) = todo.pop() {
        count += 1;
        todo.extend(hive.subkeys(&key).ok()?);
    }
    Some(count)
}

#[test]
fn a_file_that_is_cut_anywhere_is_an_error() {
    let bytes = made(tree(), 5);
    for length in (0..bytes.len())
        .step_by(97)
        .chain([0, 3, 4, 511, 512, 4095, 4096, bytes.len() - 1])
    {
        assert!(walk(&bytes[..length]).is_err(), "{length}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn a_changed_byte_never_hides_a_key(at in any::<prop::sample::Index>(), bit in 0_u8..8) {
        let mut bytes = made(tree(), 5);
        let at = 4096 + at.index(bytes.len() - 4096);
        bytes[at] ^= 1 << bit;
        let _ = walk(&bytes);
        if let Some(keys) = keys_of(&bytes) {
            prop_assert_eq!(keys, 7);
        }
    }

    #[test]
    fn a_changed_header_is_an_error_or_changes_nothing(at in 0_usize..512, byte in any::<u8>(), is_sealed in any::<bool>()) {
        let sound = made(tree(), 5);
        let mut bytes = sound.clone();
        bytes[at] = byte;
        let bytes = if is_sealed { sealed(bytes) } else { bytes };
        if let Ok(told) = walk(&bytes) {
            // Its root key may be another, and of an older version a long value has no segments; neither hides one silently.
            if !(36..40).contains(&at) {
                prop_assert_eq!(told, walk(&sound).expect("a sound file"));
            }
        }
    }

    #[test]
    fn bytes_of_no_meaning_are_errors_and_no_panic(at in 4096_usize..8192, noise in prop::collection::vec(any::<u8>(), 1..200)) {
        let mut bytes = made(tree(), 5);
        let end = bytes.len().min(at + noise.len());
        bytes[at..end].copy_from_slice(&noise[..end - at]);
        let _ = walk(&bytes);
    }
}

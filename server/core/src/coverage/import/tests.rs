use proptest::prelude::*;

use super::*;
use crate::coverage::{IdentifierKind, Ownership};

fn mapping(toml: &str) -> Mapping {
    Mapping::parse(toml).unwrap()
}

fn plain() -> Mapping {
    mapping("columns = { name = [\"Name\"], serial = [\"Serial\"], owner = [\"Owner\", \"none\"] }")
}

fn wide(text: &str, unit: fn(u16) -> [u8; 2]) -> Vec<u8> {
    std::iter::once(0xfeff)
        .chain(text.encode_utf16())
        .flat_map(unit)
        .collect()
}

#[test]
fn every_encoding_that_exports_come_in_gives_the_same_rows() {
    let text = "Name,Serial,Owner\r\nPC-1,AB12,\"Grün, Zoë\"\r\nПК-2,CD34,\r\n";
    let expected = read(text.as_bytes(), &plain()).unwrap();
    assert_eq!(expected.rows.len(), 2);
    assert_eq!(expected.rows[0].owner, "Grün, Zoë");
    assert_eq!(expected.rows[1].identity.get(IdentifierKind::Name), Some("пк-2"));
    let marked = [b"\xef\xbb\xbf", text.as_bytes()].concat();
    let unmarked = |unit: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(unit).collect();
    for bytes in [
        marked,
        wide(text, u16::to_le_bytes),
        wide(text, u16::to_be_bytes),
        unmarked(u16::to_le_bytes),
        unmarked(u16::to_be_bytes),
    ] {
        assert_eq!(read(&bytes, &plain()).unwrap(), expected);
    }
    // A file that begins with nothing at all is no wide one that lost its mark.
    assert_eq!(decode::text(b"\0\0ab"), Ok("\0\0ab".to_owned()));
}

#[test]
fn a_mark_in_front_hides_neither_excels_separator_nor_powershells_type_line() {
    for head in ["sep=;\r\n", "#TYPE X\r\n"] {
        let text = format!("\u{feff}{head}Name;Serial\r\nPC-1;AB12\r\n");
        let import = read(text.as_bytes(), &plain()).unwrap();
        assert_eq!(import.rows.len(), 1, "{head}");
        assert_eq!(import.rows[0].key, "serial:AB12", "{head}");
    }
}

#[test]
fn a_cell_has_as_many_letters_as_are_kept_and_no_more() {
    let owner = |letters: usize| {
        let text = format!("Name,Serial,Owner\nPC-1,AB12,{}\n", "ü".repeat(letters));
        let import = read(text.as_bytes(), &plain()).unwrap();
        import.faults.first().map(|fault| fault.why.clone())
    };
    assert_eq!(owner(500), None);
    for letters in [501, 502] {
        assert_eq!(owner(letters).as_deref(), Some("owner has more than 500 characters"));
    }
}

#[test]
fn a_file_is_read_up_to_its_largest_size_and_no_further() {
    let largest = 32 * 1024 * 1024;
    assert!(decode::text(&vec![b' '; largest]).is_ok());
    for bytes in [largest + 1, largest + 2] {
        let refused = decode::text(&vec![b' '; bytes]).unwrap_err();
        assert_eq!(refused, Unreadable::TooLarge { bytes });
        assert!(
            refused
                .to_string()
                .contains("33554432 are read at most: export it in parts"),
            "{refused}"
        );
    }
}

#[test]
fn a_header_has_as_many_columns_as_are_read_and_no_more() {
    let header = |columns: usize| {
        let more: Vec<String> = (2..columns).map(|at| format!("c{at}")).collect();
        format!("Name,Serial,{}\n", more.join(","))
    };
    assert!(read(header(500).as_bytes(), &plain()).is_ok());
    for columns in [501, 502] {
        assert_eq!(
            read(header(columns).as_bytes(), &plain()),
            Err(Unreadable::TooWide { columns })
        );
    }
}

#[test]
fn an_import_says_which_columns_it_took_and_which_it_left() {
    let import = read(b"Tag, name ,Serial,Colour\nx,PC-1,AB12,red\n", &plain()).unwrap();
    let used: Vec<(Field, &str)> = import
        .used
        .iter()
        .map(|(field, column)| (*field, column.as_str()))
        .collect();
    assert_eq!(used, [(Field::Serial, "Serial"), (Field::Name, "name")]);
    assert_eq!(import.notes, ["not taken: Tag, Colour"]);
    assert_eq!(read(b"Name,Serial\nPC-1,AB12\n", &plain()).unwrap().notes, [""; 0]);
}

#[test]
fn five_cells_whose_meaning_is_not_known_are_named_and_that_there_are_more() {
    let mapping = mapping("columns = { name = [\"Name\"], target = [\"RTP\"] }");
    let note = |cells: u32| {
        let lines: Vec<String> = (1..=cells).map(|cell| format!("pc-{cell},odd{cell}\n")).collect();
        let import = read(format!("Name,RTP\n{}", lines.concat()).as_bytes(), &mapping).unwrap();
        let [note] = &import.notes[..] else {
            panic!("{:?}", import.notes)
        };
        note.split_once(" mean nothing known").unwrap().0.to_owned()
    };
    assert_eq!(note(2), "target: `odd1`, `odd2`");
    let five = "target: `odd1`, `odd2`, `odd3`, `odd4`, `odd5`";
    assert_eq!(note(5), five);
    for cells in [6, 7, 9] {
        assert_eq!(note(cells), format!("{five}, more"), "{cells}");
    }
}

#[test]
fn a_file_in_another_code_page_is_refused_with_its_line() {
    let refused = read(b"Name,Serial\nPC-1,A\nGr\xfcn,B\n", &plain()).unwrap_err();
    assert_eq!(refused, Unreadable::Encoding { line: 3 });
    assert!(refused.to_string().contains("-Encoding UTF8"), "{refused}");
    let half = [wide("Name,Serial\nPC", u16::to_le_bytes), vec![0x41]].concat();
    assert_eq!(read(&half, &plain()), Err(Unreadable::Encoding { line: 2 }));
}

#[test]
fn separators_of_excel_and_type_lines_of_powershell_are_understood() {
    for text in [
        "#TYPE Microsoft.ActiveDirectory.Management.ADComputer\r\n\"Name\";\"Serial\"\r\n\"PC-1\";\"AB12\"\r\n",
        "sep=;\r\nName;Serial\r\nPC-1;AB12\r\n",
        "Name\tSerial\nPC-1\tAB12\n",
        "Name;Serial;\"Seen, by whom, where, when\"\nPC-1;AB12;\n",
    ] {
        let import = read(text.as_bytes(), &plain()).unwrap();
        assert_eq!(import.faults, [], "{text}");
        assert_eq!(
            (import.rows[0].key.as_str(), import.rows[0].name.as_str()),
            ("serial:AB12", "PC-1")
        );
    }
    let third = "#TYPE X\nName,Serial\nPC-1,AB12\nPC-2\n";
    assert_eq!(read(third.as_bytes(), &plain()).unwrap().faults[0].line, 4);
}

#[test]
fn a_bad_line_is_named_and_the_others_are_read() {
    let text = "Name,Serial,Owner\nPC-1,AB12,x\nPC-2,CD34\n,N/A,\n\nPC-3,AB12,y\nPC-4,EF56,\"a\nb\"\n";
    let import = read(text.as_bytes(), &plain()).unwrap();
    let names: Vec<&str> = import.rows.iter().map(|row| row.name.as_str()).collect();
    assert_eq!(names, ["PC-1"]);
    let said: Vec<String> = import
        .faults
        .iter()
        .map(|fault| format!("{}: {}", fault.line, fault.why))
        .collect();
    insta::assert_snapshot!(said.join("\n"), @r"
    3: has 2 columns and the header 3; a quote may not be closed, or a cell holds the separator
    4: names no machine: its serial, uuid, fqdn and name are empty or placeholders
    6: names the same machine as line 2 (`serial:AB12`); leave one of them out
    7: owner holds a line break or another control character
    ");
}

#[test]
fn lines_are_counted_as_an_editor_counts_them_whatever_ends_them() {
    for end in ["\n", "\r\n", "\r"] {
        let text = [
            "Name,Serial",
            "PC-1,AB12",
            "",
            "\"PC",
            "2\",CD34",
            "PC-3,N/A,more",
            "PC-4,EF56",
        ]
        .join(end);
        let import = read(
            text.as_bytes(),
            &mapping("columns = { name = [\"Name\"], key = [\"Serial\"] }"),
        )
        .unwrap();
        let rows = import.rows.iter().map(|row| row.line);
        let lines: Vec<u64> = rows.chain(import.faults.iter().map(|fault| fault.line)).collect();
        assert_eq!(lines, [2, 7, 4, 6], "{end:?}: {:?}", import.faults);
    }
}

#[test]
fn a_column_that_is_not_there_is_refused_with_those_that_are() {
    let refused = read(b"Computer,Tag\nx,y\n", &plain()).unwrap_err().to_string();
    assert!(
        refused.contains("`Serial`") && refused.contains("Computer, Tag"),
        "{refused}"
    );
    let refused = read(b"Name,name,Serial,x\n", &plain()).unwrap_err();
    assert_eq!(refused, Unreadable::TwoOfOneName { column: "Name".into() });
    let none = mapping("columns = { site = [\"Tag\"] }");
    let refused = read(b"Computer,Tag\nx,y\n", &none).unwrap_err().to_string();
    assert!(refused.contains("--map name=COLUMN"), "{refused}");
    assert_eq!(read(b"", &plain()), Err(Unreadable::Empty));
    assert_eq!(read(b"\n\n", &plain()), Err(Unreadable::Empty));
}

#[test]
fn instants_are_read_by_format_and_zone_and_never_guessed() {
    let file = b"Name,Seen\nPC-1,9/28/2024 11:30:00 PM\n";
    let seen = |more: &str| {
        let toml = format!("{more}\ncolumns = {{ name = [\"Name\"], last-seen = [\"Seen\"] }}");
        read(file, &mapping(&toml)).unwrap()
    };
    let how = "date_format = \"%m/%d/%Y %I:%M:%S %p\"";
    assert_eq!(
        seen(&format!("{how}\nzone = \"America/New_York\"")).rows[0].last_seen_ms,
        Some(1_727_580_600_000)
    );
    assert!(seen(how).faults[0].why.contains("--zone"));
    assert!(seen("").faults[0].why.contains("--date-format"));
    assert_eq!(
        Mapping::parse("zone = \"Mars/Olympus\""),
        Err(MappingError::Zone {
            zone: "Mars/Olympus".into()
        })
    );
}

#[test]
fn what_a_cell_means_is_looked_up_and_what_is_not_known_is_not_said() {
    let mapping = mapping(
        "columns = { name = [\"Name\"], target = [\"RTP\"], class = [\"Kind\"] }\n\
         [values.target]\ncarries = [\"Running\"]\nclear = [\"Not installed\"]\n",
    );
    let file = b"Name,RTP,Kind\na,running,server\nb,NOT INSTALLED,Phone\nc,Unknown,x\nd,,\n";
    let import = read(file, &mapping).unwrap();
    let said: Vec<_> = import.rows.iter().map(|row| (row.target, row.class)).collect();
    assert_eq!(
        said,
        [
            (Some(TargetSeen::Carries), Class::Server),
            (Some(TargetSeen::Clear), Class::Phone),
            (None, Class::Other),
            (None, Class::Other)
        ]
    );
    assert!(
        import.notes.iter().any(|note| note.starts_with("target: `Unknown`")),
        "{:?}",
        import.notes
    );
    let refused = Mapping::parse("[values.health]\nfine = [\"ok\"]\n")
        .unwrap_err()
        .to_string();
    assert_eq!(refused, "health cannot mean `fine`; it can: healthy, unhealthy");
}

#[test]
fn a_persons_mapping_goes_before_the_presets_and_can_leave_a_column_out() {
    let preset = Preset::named("active-directory").unwrap();
    let own = Mapping {
        columns: [(Field::LastSeen, Vec::new()), (Field::Serial, vec!["Tag".to_owned()])].into(),
        ..Mapping::default()
    };
    let file =
        b"Name,DNSHostName,Enabled,ObjectGUID,LastLogonDate,Tag\nPC-1,pc-1.corp.example,True,G-1,1/2/2024,AB12\n";
    let import = read(file, &own.over(preset.mapping)).unwrap();
    assert_eq!(import.faults, []);
    let row = &import.rows[0];
    assert_eq!(
        (row.key.as_str(), row.active, row.last_seen_ms),
        ("key:g-1", Some(true), None)
    );
    assert_eq!(row.identity.get(IdentifierKind::Serial), Some("AB12"));
}

#[test]
fn intunes_export_says_whose_a_device_is_and_graphs_unknown_is_nobodys_word() {
    let preset = Preset::named("intune").unwrap();
    let console = "Device ID,Device name,Ownership\n1,PC-1,Corporate\n2,PC-2,Personal\n3,PC-3,\n";
    let graph = "id,deviceName,managedDeviceOwnerType\n1,PC-1,company\n2,PC-2,personal\n3,PC-3,unknown\n";
    for file in [console, graph] {
        let import = read(file.as_bytes(), &preset.mapping).unwrap();
        let said: Vec<Option<Ownership>> = import.rows.iter().map(|row| row.ownership).collect();
        assert_eq!(
            said,
            [Some(Ownership::Corporate), Some(Ownership::Personal), None],
            "{file}"
        );
    }
    let import = read(graph.as_bytes(), &preset.mapping).unwrap();
    assert!(
        import.notes.iter().any(|note| note.contains("unknown")),
        "{:?}",
        import.notes
    );
}

#[test]
fn every_preset_is_read_and_says_what_is_not_confirmed() {
    for (name, _) in PRESETS {
        let preset = Preset::named(name).unwrap();
        assert_eq!(preset.name, *name);
        assert!(!preset.unconfirmed.is_empty() && !preset.sources.is_empty(), "{name}");
    }
    assert!(Preset::named("sccm").unwrap_err().to_string().contains("intune"));
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = read(&bytes, &plain());
    }

    #[test]
    fn no_line_is_lost(cells in prop::collection::vec((any::<String>(), any::<String>()), 0..20)) {
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(["Name", "Serial"]).unwrap();
        for (name, serial) in &cells {
            writer.write_record([name, serial]).unwrap();
        }
        let import = read(&writer.into_inner().unwrap(), &plain()).unwrap();
        let blank = cells.iter().filter(|(name, serial)| name.trim().is_empty() && serial.trim().is_empty()).count();
        prop_assert_eq!(import.rows.len() + import.faults.len() + blank, cells.len());
    }
}

//! Reads nothing, and fails as a parser could: `tests/fuzz/run` asks it first whether each failure is found.

#![no_main]

bounded::fuzz_target!(|data: &[u8]| {
    match data {
        b"panic" => panic!("as asked"),
        b"overflow" => assert_eq!(u8::try_from(data.len()).map(|length| length * 32), Ok(0)),
        b"hang" => loop {
            std::hint::spin_loop();
        },
        b"memory" => drop(std::hint::black_box(vec![1_u8; 65 << 20])),
        _ => {}
    }
});

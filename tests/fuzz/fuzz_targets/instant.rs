//! A time zone file (tzfile(5)), with the instant before it in eight bytes.

#![no_main]

use cutover_agent::parse::instant;

bounded::fuzz_target!(|data: &[u8]| {
    let Some((at, zone)) = data.split_first_chunk::<8>() else {
        return;
    };
    let at = i64::from_le_bytes(*at);
    let _ = instant::utc(at);
    let _ = instant::spoken(at, None);
    let _ = instant::spoken(at, Some(zone));
});

//! Which part of an artifact is asked for (RFC 9110, section 14): one range of bytes, or the whole.

use hyper::{HeaderMap, header};

/// What is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    /// All of it.
    Whole,
    /// These bytes; `first <= last`, and both are within.
    Part {
        /// The first.
        first: u64,
        /// The last.
        last: u64,
    },
    /// None of these bytes is there.
    NotThere,
}

impl Wanted {
    /// What the headers ask of an artifact of this size and tag. A range that is not plain (another unit, several, not well
    /// formed), or that is about another tag, asks for the whole, as the RFC lets a server do.
    pub(super) fn read(headers: &HeaderMap, size: u64, tag: &str) -> Self {
        let text = |name: header::HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
        let (Some(range), if_range) = (text(header::RANGE), headers.get(header::IF_RANGE)) else {
            return Self::Whole;
        };
        if if_range.is_some_and(|asked| asked.as_bytes() != tag.as_bytes()) {
            return Self::Whole;
        }
        Self::of_range(range, size).unwrap_or(Self::Whole)
    }

    fn of_range(range: &str, size: u64) -> Option<Self> {
        let (first, last) = range.trim().strip_prefix("bytes=")?.split_once('-')?;
        let end = size.checked_sub(1)?;
        if first.is_empty() {
            // The last so many.
            let length = number(last)?;
            return Some(match length {
                0 => Self::NotThere,
                length => Self::Part {
                    first: size.saturating_sub(length),
                    last: end,
                },
            });
        }
        let first = number(first)?;
        let last = if last.is_empty() { end } else { number(last)? };
        if last < first && last != end {
            return None;
        }
        Some(if first > end {
            Self::NotThere
        } else {
            Self::Part {
                first,
                last: last.min(end),
            }
        })
    }
}

/// Digits and nothing else; more than fit are more than any file has.
fn number(digits: &str) -> Option<u64> {
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| digits.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TAG: &str = "\"abc\"";

    fn asked(range: &str, if_range: Option<&str>) -> Wanted {
        let mut headers = HeaderMap::new();
        headers.insert(header::RANGE, range.parse().expect("a value"));
        if let Some(tag) = if_range {
            headers.insert(header::IF_RANGE, tag.parse().expect("a value"));
        }
        Wanted::read(&headers, 10, TAG)
    }

    #[test]
    fn one_range_of_bytes_is_read_as_the_rfc_says() {
        let part = |first, last| Wanted::Part { first, last };
        for (range, wanted) in [
            ("bytes=0-", part(0, 9)),
            ("bytes=4-", part(4, 9)),
            ("bytes=4-4", part(4, 4)),
            ("bytes=4-99", part(4, 9)),
            ("bytes=9-", part(9, 9)),
            ("bytes=-3", part(7, 9)),
            ("bytes=-99", part(0, 9)),
            ("bytes=10-", Wanted::NotThere),
            ("bytes=99999999999999999999-", Wanted::NotThere),
            ("bytes=-0", Wanted::NotThere),
            ("bytes=5-4", Wanted::Whole),
            ("bytes=0-1,4-5", Wanted::Whole),
            ("bytes=", Wanted::Whole),
            ("bytes=-", Wanted::Whole),
            ("bytes=a-", Wanted::Whole),
            ("bytes=+1-", Wanted::Whole),
            ("lines=0-", Wanted::Whole),
        ] {
            assert_eq!(asked(range, None), wanted, "{range}");
        }
        assert_eq!(Wanted::read(&HeaderMap::new(), 10, TAG), Wanted::Whole);
    }

    #[test]
    fn a_part_of_something_else_is_never_given() {
        assert_eq!(asked("bytes=4-", Some(TAG)), Wanted::Part { first: 4, last: 9 });
        for other in ["\"abd\"", "abc", "W/\"abc\"", "Wed, 21 Oct 2015 07:28:00 GMT"] {
            assert_eq!(asked("bytes=4-", Some(other)), Wanted::Whole, "{other}");
        }
    }

    proptest! {
        #[test]
        fn no_header_leads_outside_the_file(range in "(bytes=)?[0-9,-]{0,24}", size in 1u64..100) {
            let mut headers = HeaderMap::new();
            headers.insert(header::RANGE, range.parse().expect("a value"));
            if let Wanted::Part { first, last } = Wanted::read(&headers, size, TAG) {
                prop_assert!(first <= last && last < size);
            }
        }
    }
}

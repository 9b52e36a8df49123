//! Stored and wire spellings: one explicit table per enum, kebab-case, never derived from Rust names.

/// A word that is not in an enum's table.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{word}` is not a {what}; expected one of: {expected}")]
pub struct UnknownWord {
    /// The enum's name in prose.
    pub what: &'static str,
    /// What was read.
    pub word: String,
    /// The known words.
    pub expected: String,
}

/// Declares a field-less enum with its spelling table: `as_str`, `parse`, `ALL`, `Display`, and serde by that spelling.
/// With `wire = path::To::Enum` it also converts to and from the generated enum of the same variant names.
#[macro_export]
macro_rules! words {
    ($(#[$meta:meta])* $vis:vis enum $name:ident ($what:literal) { $($(#[$vmeta:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        $vis enum $name { $($(#[$vmeta])* $variant,)+ }

        impl $name {
            /// Every value, in order of declaration.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The stored spelling.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }

            /// Reads the stored spelling.
            ///
            /// # Errors
            /// When the word is not in the table.
            pub fn parse(word: &str) -> Result<Self, $crate::spelling::UnknownWord> {
                match word {
                    $($word => Ok(Self::$variant),)+
                    other => Err($crate::spelling::UnknownWord {
                        what: $what,
                        word: other.to_owned(),
                        expected: [$($word,)+].join(", "),
                    }),
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::spelling::UnknownWord;
            fn from_str(word: &str) -> Result<Self, Self::Err> {
                Self::parse(word)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let word = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                Self::parse(&word).map_err(serde::de::Error::custom)
            }
        }
    };
}

/// Converts between a `words!` enum and the generated enum with the same variant names; zero is never accepted.
macro_rules! on_wire {
    ($name:ident, $field:literal, $wire:path { $($variant:ident),+ $(,)? }) => {
        impl From<$name> for $wire {
            fn from(value: $name) -> Self {
                use $wire as Wire;
                match value { $($name::$variant => Wire::$variant,)+ }
            }
        }

        impl TryFrom<i32> for $name {
            type Error = $crate::WireError;
            fn try_from(value: i32) -> Result<Self, Self::Error> {
                use $wire as Wire;
                match Wire::try_from(value) {
                    $(Ok(Wire::$variant) => Ok(Self::$variant),)+
                    Ok(Wire::Unspecified) => Err($crate::WireError::Missing($field)),
                    Err(_) => Err($crate::WireError::UnknownValue { field: $field, value: value.to_string() }),
                }
            }
        }

        impl $name {
            /// The number on the wire.
            #[must_use]
            pub fn number(self) -> i32 {
                <$wire>::from(self) as i32
            }
        }
    };
}
pub(crate) use on_wire;

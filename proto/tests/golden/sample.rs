//! One kept sample of a message, and what every sample has to show.

use std::collections::{BTreeMap, BTreeSet};

use cutover_proto::DESCRIPTORS;
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor, ReflectMessage, Value};

use crate::{files::kept_bytes, messages, steps};

/// A message with every field set, and its way through this version's types.
pub(crate) struct Sample {
    /// The message's name without the package.
    message: &'static str,
    /// Tells samples of one message apart; empty for the only one.
    variant: &'static str,
    /// As this version writes it.
    written: Vec<u8>,
    /// Reads kept bytes, compares them with the sample's value, and writes them again.
    reread: Reread,
    /// Whether it sets every field that its message has today.
    is_whole: bool,
}

type Reread = Box<dyn Fn(&[u8]) -> Vec<u8>>;

impl Sample {
    pub(crate) fn of<M>(message: &'static str, value: M) -> Self
    where
        M: prost::Message + Default + PartialEq + std::fmt::Debug + 'static,
    {
        Self::variant(message, "", value)
    }

    pub(crate) fn variant<M>(message: &'static str, variant: &'static str, value: M) -> Self
    where
        M: prost::Message + Default + PartialEq + std::fmt::Debug + 'static,
    {
        let written = value.encode_to_vec();
        let reread = move |kept: &[u8]| {
            let read = M::decode(kept).unwrap();
            assert_eq!(read, value, "{message}: kept bytes mean something else");
            read.encode_to_vec()
        };
        Self {
            message,
            variant,
            written,
            reread: Box::new(reread),
            is_whole: true,
        }
    }

    /// A message that has a typed form: the bytes also survive the way through it, and it is the one expected.
    pub(crate) fn typed<M, T>(message: &'static str, variant: &'static str, wire: M, typed: T) -> Self
    where
        M: prost::Message + Default + PartialEq + std::fmt::Debug + Clone + From<T> + 'static,
        T: TryFrom<M> + Clone + PartialEq + std::fmt::Debug + 'static,
        T::Error: std::fmt::Debug,
    {
        let written = wire.encode_to_vec();
        let reread = move |kept: &[u8]| {
            let read = M::decode(kept).unwrap();
            assert_eq!(read, wire, "{message}: kept bytes mean something else");
            let understood = T::try_from(read).unwrap();
            assert_eq!(understood, typed, "{message}: the typed form is another");
            M::from(understood).encode_to_vec()
        };
        Self {
            message,
            variant,
            written,
            reread: Box::new(reread),
            is_whole: true,
        }
    }

    /// Written before its message, or one inside it, got its newest fields: it reads as ever, and leaves those out.
    pub(crate) fn earlier(self) -> Self {
        Self {
            is_whole: false,
            ..self
        }
    }

    fn file(&self) -> String {
        match self.variant {
            "" => format!("messages/{}", self.message),
            variant => format!("messages/{}.{variant}", self.message),
        }
    }
}

fn samples() -> Vec<Sample> {
    let mut all = messages::samples();
    all.extend(steps::samples());
    all
}

fn descriptors() -> DescriptorPool {
    DescriptorPool::decode(DESCRIPTORS).unwrap()
}

#[test]
fn every_message_of_the_wire_has_a_sample() {
    let known: BTreeSet<&str> = samples()
        .iter()
        .filter(|sample| sample.is_whole)
        .map(|sample| sample.message)
        .collect();
    let missing: Vec<String> = descriptors()
        .all_messages()
        .map(|message| message.name().to_owned())
        .filter(|name| !known.contains(name.as_str()))
        .collect();
    assert!(missing.is_empty(), "add samples of {missing:?}");
}

#[test]
fn kept_bytes_of_every_message_read_and_write_the_same() {
    for sample in samples() {
        let kept = kept_bytes(&sample.file(), || sample.written.clone());
        assert_eq!(sample.written, kept, "{} is written otherwise", sample.file());
        assert_eq!((sample.reread)(&kept), kept, "{} is not written back", sample.file());
    }
}

#[test]
fn samples_leave_no_field_out() {
    let pool = descriptors();
    let mut chosen: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for sample in samples().into_iter().filter(|sample| sample.is_whole) {
        let name = format!("cutover.v1.{}", sample.message);
        let descriptor = pool
            .get_message_by_name(&name)
            .expect("samples name messages of the wire");
        let message = DynamicMessage::decode(descriptor, sample.written.as_slice()).unwrap();
        demand_all_set(&message, &sample.file(), &mut chosen);
    }
    for message in pool.all_messages() {
        for one_of in message.oneofs().filter(|one_of| !one_of.is_synthetic()) {
            let seen = chosen.remove(one_of.full_name()).unwrap_or_default();
            let all: BTreeSet<String> = one_of.fields().map(|field| field.name().to_owned()).collect();
            assert_eq!(seen, all, "every kind of {} needs a sample", one_of.full_name());
        }
    }
}

fn demand_all_set(message: &DynamicMessage, path: &str, chosen: &mut BTreeMap<String, BTreeSet<String>>) {
    let descriptor: MessageDescriptor = message.descriptor();
    assert_eq!(
        message.unknown_fields().count(),
        0,
        "{path}: fields unknown to the descriptors"
    );
    for field in descriptor.fields() {
        let set = message.has_field(&field);
        let one_of = field.containing_oneof().filter(|one_of| !one_of.is_synthetic());
        if let Some(one_of) = one_of {
            if set {
                let name = field.name().to_owned();
                chosen.entry(one_of.full_name().to_owned()).or_default().insert(name);
            }
        } else {
            assert!(set, "{path}: field {} is not set", field.name());
        }
        let value = message.get_field(&field);
        let parts = value.as_list().unwrap_or(std::slice::from_ref(value.as_ref()));
        for part in parts.iter().filter_map(Value::as_message).filter(|_| set) {
            demand_all_set(part, &format!("{path}.{}", field.name()), chosen);
        }
    }
}

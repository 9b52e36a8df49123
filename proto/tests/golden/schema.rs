//! Numbers and types of the wire, kept as text: fields are only added, and a number never means something else.

use std::collections::BTreeSet;

use cutover_proto::DESCRIPTORS;
use prost_reflect::{Cardinality, DescriptorPool};

use crate::files::kept_text;

fn lines() -> BTreeSet<String> {
    let pool = DescriptorPool::decode(DESCRIPTORS).unwrap();
    let fields = pool.all_messages().flat_map(|message| {
        let name = message.name().to_owned();
        message
            .fields()
            .map(move |field| {
                let kind = field.kind();
                let named = kind.as_message().map(|inner| inner.name().to_owned());
                let named = named.or_else(|| kind.as_enum().map(|inner| inner.name().to_owned()));
                let kind = named.unwrap_or_else(|| format!("{kind:?}").to_lowercase());
                let cardinality = match field.cardinality() {
                    Cardinality::Repeated => "repeated ",
                    Cardinality::Optional if field.supports_presence() => "present-or-not ",
                    Cardinality::Optional | Cardinality::Required => "",
                };
                format!(
                    "message {name} {:>2} {} {cardinality}{kind}",
                    field.number(),
                    field.name()
                )
            })
            .collect::<Vec<_>>()
    });
    let values = pool.all_enums().flat_map(|one| {
        let name = one.name().to_owned();
        one.values()
            .map(move |value| format!("enum {name} {:>2} {}", value.number(), value.name()))
            .collect::<Vec<_>>()
    });
    let methods = pool.services().flat_map(|service| {
        let name = service.name().to_owned();
        service
            .methods()
            .map(move |method| {
                let stream = if method.is_server_streaming() { "stream " } else { "" };
                let (input, output) = (method.input(), method.output());
                format!(
                    "service {name} {} {} -> {stream}{}",
                    method.name(),
                    input.name(),
                    output.name()
                )
            })
            .collect::<Vec<_>>()
    });
    fields.chain(values).chain(methods).collect()
}

#[test]
fn numbers_and_types_of_the_wire_are_the_kept_ones() {
    let current = lines();
    let text = kept_text("wire.txt", || current.iter().map(|line| format!("{line}\n")).collect());
    let kept: BTreeSet<String> = text.lines().map(str::to_owned).collect();
    let gone: Vec<&String> = kept.difference(&current).collect();
    let new: Vec<&String> = current.difference(&kept).collect();
    assert!(gone.is_empty(), "programs in the field rely on these: {gone:#?}");
    assert!(new.is_empty(), "add these lines to proto/golden/v1/wire.txt: {new:#?}");
}

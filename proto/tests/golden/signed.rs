//! Kept envelopes of every context, and a kept sealed secret.

use cutover_proto::{
    envelope::{self, Context, PublicKey, SigningKey},
    order::WorkOrder,
    seal, v1,
};
use prost::Message;
use sha2::{Digest, Sha256};

use crate::{
    files::kept_bytes,
    keys::{host_id, host_key, sealing_key, server_key},
    leaving, messages, releases, steps,
};

/// Who signs a context, and a body of it.
fn signer_and_body(context: Context) -> (SigningKey, Vec<u8>) {
    match context {
        Context::WorkOrder => (server_key(), steps::order_wire().encode_to_vec()),
        Context::Cancel => (server_key(), messages::cancel().encode_to_vec()),
        Context::Rules => (server_key(), messages::rules().encode_to_vec()),
        Context::AgentRelease => (server_key(), releases::release().encode_to_vec()),
        Context::Checkpoint => (server_key(), vec![0x55; 32]),
        Context::Inventory => (host_key(), messages::inventory_wire().encode_to_vec()),
        Context::StepRecord => (host_key(), messages::record_wire().encode_to_vec()),
        Context::SealingKey => (host_key(), sealing_key().public().to_vec()),
        Context::Renewal => (host_key(), Sha256::digest(b"a signing request").to_vec()),
        Context::Split => {
            let mut body = Sha256::digest(b"a signing request").to_vec();
            body.extend(b"8f6b1c9e-0000-4000-8000-000000000001");
            (host_key(), body)
        }
        Context::LastStatement => (host_key(), leaving::statement_wire().encode_to_vec()),
    }
}

#[test]
fn kept_envelopes_of_every_context_still_verify() {
    for context in Context::ALL {
        let (key, body) = signer_and_body(*context);
        let fresh = envelope::seal(*context, body.clone(), &key).unwrap();
        let file = format!("signed/{context}");
        let kept = kept_bytes(&file, || fresh.encode_to_vec());
        let read = v1::Envelope::decode(kept.as_slice()).unwrap();
        assert_eq!(read.encode_to_vec(), kept, "{file} is not written back");
        let known = [key.public().clone()];
        assert_eq!(envelope::open(&read, *context, &known).unwrap(), body, "{file}");
    }
}

#[test]
fn ed25519_signs_the_kept_bytes_again() {
    for context in Context::ALL {
        let (key, body) = signer_and_body(*context);
        if !key.spki_der().is_empty() {
            continue;
        }
        let fresh = envelope::seal(*context, body, &key).unwrap().encode_to_vec();
        let file = format!("signed/{context}");
        assert_eq!(kept_bytes(&file, || fresh.clone()), fresh, "{file}");
    }
}

#[test]
fn key_ids_are_the_kept_ones() {
    let host = PublicKey::host(host_key().spki_der()).unwrap();
    let ids = [server_key().public().key_id(), host.key_id()].concat();
    let kept = kept_bytes("keys/key-ids", || hex::decode(&ids).unwrap());
    assert_eq!(hex::encode(kept), ids);
}

#[test]
fn the_kept_work_order_opens_to_the_typed_one() {
    let kept = kept_bytes("signed/cutover.v1.WorkOrder", || {
        steps::order().sign(&server_key()).unwrap().encode_to_vec()
    });
    let envelope = v1::Envelope::decode(kept.as_slice()).unwrap();
    let order = WorkOrder::open(&envelope, &[server_key().public().clone()]).unwrap();
    assert_eq!(order, steps::order());
    assert_eq!(order.sign(&server_key()).unwrap(), envelope);
}

#[test]
fn the_kept_sealed_secret_still_opens() {
    let (order, name, plain) = (7, "uninstall-password", b"correct horse".as_slice());
    let kept = kept_bytes("signed/sealed-secret", || {
        seal::seal(sealing_key().public(), host_id(), order, name, plain)
            .unwrap()
            .encode_to_vec()
    });
    let secret = v1::SealedSecret::decode(kept.as_slice()).unwrap();
    assert_eq!(sealing_key().open(host_id(), order, &secret).unwrap().as_slice(), plain);
}

//! One signature for many passes.
//!
//! A signature costs more than all the rest of joining, and in a rush hundreds join at once. So those
//! who join at the same moment are signed together: their passes are the leaves of a hash tree, its
//! root is signed, and each pass carries, beside the signature, the few nodes that lead from its leaf
//! to the root. Each is checked alone, with the public key alone, exactly like one that was signed
//! alone; nothing in it tells of the others.
//!
//! `onsale-pass-2.BASE64URL(key id ‖ payload ‖ salt ‖ nodes ‖ index ‖ depth ‖ Ed25519 signature)`
//!
//! Nodes are 16 bytes. That is enough because of the salt, which is drawn when all leaves are fixed
//! and is in every hash with the place of the node it gives: a forger has to find a second leaf for a
//! hash that they could not choose (2¹²⁸), and not two of their own that meet (2⁶⁴).

use super::{
    Issuer, KEY_ID_BYTES, Keys, MAX_TOKEN_BYTES, Pass, SIGNATURE_BYTES, TokenFault, text_of,
};
use alloc::{string::String, vec::Vec};
use data_encoding::BASE64URL_NOPAD;
use ed25519_dalek::Signer as _;
use sha2::{Digest, Sha256};

pub(super) const LABEL: &str = "onsale-pass-2";
/// Most passes under one signature.
pub const MOST_TOGETHER: usize = 1 << MOST_DEPTH;
const MOST_DEPTH: u8 = 8;
/// Bytes of the salt: random, drawn when the passes are fixed.
pub const SALT_BYTES: usize = 16;
const NODE_BYTES: usize = 16;

type Salt = [u8; SALT_BYTES];
type Node = [u8; NODE_BYTES];

/// Stands beside the last of an odd number. No leaf or node is known that hashes to it.
const NOBODY: Node = [0; NODE_BYTES];

impl Issuer {
    /// Signs passes together; each is good by itself. `salt` has to be random and drawn anew each
    /// time, after the passes are fixed. One alone is signed as [`pass`](Self::pass) does.
    #[must_use]
    pub fn passes(&self, passes: &[Pass], salt: Salt) -> Vec<String> {
        let mut tokens = Vec::with_capacity(passes.len());
        for passes in passes.chunks(MOST_TOGETHER) {
            match passes {
                [alone] => tokens.push(self.pass(alone)),
                many => tokens.extend(self.tree(many, &salt)),
            }
        }
        tokens
    }

    fn tree(&self, passes: &[Pass], salt: &Salt) -> Vec<String> {
        let payloads: Vec<_> = passes
            .iter()
            .map(|pass| {
                let mut bytes = Vec::with_capacity(256);
                bytes.extend(self.id);
                pass.encode_onto(&mut bytes);
                bytes
            })
            .collect();
        let leaves = (0..=u8::MAX).zip(&payloads);
        let mut levels: Vec<Vec<Node>> =
            alloc::vec![leaves.map(|(at, bytes)| leaf(salt, at, bytes)).collect()];
        let (root, depth) = loop {
            let depth = levels.len() - 1;
            match levels[depth].as_slice() {
                [root] => break (*root, depth as u8),
                nodes => {
                    let above = (0..).zip(nodes.chunks(2)).map(|(at, pair)| {
                        let right = pair.get(1).unwrap_or(&NOBODY);
                        node(salt, depth as u8 + 1, at, &pair[0], right)
                    });
                    let above = above.collect();
                    levels.push(above);
                }
            }
        };
        let signature = self
            .key
            .sign(&signed_bytes(&self.id, salt, depth, &root))
            .to_bytes();
        let with_path = |(at, mut bytes): (usize, Vec<u8>)| {
            bytes.extend(salt);
            for (level, nodes) in levels[..usize::from(depth)].iter().enumerate() {
                bytes.extend(nodes.get((at >> level) ^ 1).unwrap_or(&NOBODY));
            }
            bytes.extend([at as u8, depth]);
            bytes.extend(signature);
            text_of(LABEL, &bytes)
        };
        payloads.into_iter().enumerate().map(with_path).collect()
    }
}

impl Keys {
    /// The payload of a pass that was signed together with others, where its path leads to a root
    /// that is signed.
    pub(super) fn open_one_of_many(&self, text: &str) -> Result<Vec<u8>, TokenFault> {
        if text.len() > MAX_TOKEN_BYTES {
            return Err(TokenFault::Malformed);
        }
        let mut bytes = BASE64URL_NOPAD
            .decode(text.as_bytes())
            .map_err(|_| TokenFault::Malformed)?;
        let signature = split_end::<SIGNATURE_BYTES>(&mut bytes)?;
        let [index, depth] = split_end(&mut bytes)?;
        if depth == 0 || depth > MOST_DEPTH || u16::from(index) >= 1 << depth {
            return Err(TokenFault::Malformed);
        }
        let mut path = Vec::with_capacity(usize::from(depth));
        for _ in 0..depth {
            path.push(split_end::<NODE_BYTES>(&mut bytes)?);
        }
        let salt = split_end::<SALT_BYTES>(&mut bytes)?;
        let mut at = index;
        let mut root = leaf(&salt, at, &bytes);
        // The lowest level was written first, so it is the last to have been taken off the end.
        for (level, beside) in (1..).zip(path.iter().rev()) {
            let (left, right) = if at & 1 == 0 {
                (&root, beside)
            } else {
                (beside, &root)
            };
            root = node(&salt, level, at >> 1, left, right);
            at >>= 1;
        }
        let id = bytes
            .first_chunk::<KEY_ID_BYTES>()
            .ok_or(TokenFault::Malformed)?;
        self.verify(id, &signed_bytes(id, &salt, depth, &root), &signature)?;
        bytes.drain(..KEY_ID_BYTES);
        Ok(bytes)
    }
}

fn split_end<const N: usize>(bytes: &mut Vec<u8>) -> Result<[u8; N], TokenFault> {
    let end = *bytes.last_chunk::<N>().ok_or(TokenFault::Malformed)?;
    bytes.truncate(bytes.len() - N);
    Ok(end)
}

fn leaf(salt: &Salt, at: u8, bytes: &[u8]) -> Node {
    shortened(
        Sha256::new()
            .chain_update(salt)
            .chain_update([0, at])
            .chain_update(bytes),
    )
}

fn node(salt: &Salt, level: u8, at: u8, left: &Node, right: &Node) -> Node {
    shortened(
        Sha256::new()
            .chain_update(salt)
            .chain_update([level, at])
            .chain_update(left)
            .chain_update(right),
    )
}

fn shortened(hash: Sha256) -> Node {
    let digest = hash.finalize();
    let mut node = NOBODY;
    node.copy_from_slice(&digest[..NODE_BYTES]);
    node
}

fn signed_bytes(id: &[u8; KEY_ID_BYTES], salt: &Salt, depth: u8, root: &Node) -> Vec<u8> {
    [LABEL.as_bytes(), b".", id, salt, &[depth], root].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::number::{Epoch, Place, QueueNumber};
    use crate::token::{RoomId, VisitorId};
    use crate::wire::Wishes;
    use proptest::prelude::*;

    const ROOM: RoomId = RoomId([1; 16]);
    const NOW_MS: i64 = 1_800_000_000_000;
    const SALT: Salt = [5; SALT_BYTES];

    fn issuer() -> (Issuer, Keys) {
        let issuer = Issuer::from_seed(&[9; 32]);
        let keys = Keys::new(&[issuer.public_key()]).unwrap();
        (issuer, keys)
    }

    fn passes(count: u64) -> Vec<Pass> {
        let pass = |number| Pass {
            room: ROOM,
            visitor: VisitorId([number as u8; 16]),
            place: Place {
                epoch: Epoch(1),
                number: QueueNumber(number),
            },
            joined_ms: NOW_MS,
            wishes: Wishes::default(),
        };
        (0..count).map(pass).collect()
    }

    #[test]
    fn each_of_many_is_good_by_itself_however_many_were_signed() {
        let (issuer, keys) = issuer();
        for count in [1, 2, 3, 4, 5, 31, 32, 33, 255, 256, 257, 600] {
            let passes = passes(count);
            let tokens = issuer.passes(&passes, SALT);
            assert_eq!(tokens.len(), passes.len());
            for (pass, token) in passes.iter().zip(&tokens) {
                let opened = keys.check_pass(token, ROOM, pass.visitor, NOW_MS);
                assert_eq!(opened.as_ref(), Ok(pass), "one of {count}");
            }
        }
    }

    #[test]
    fn nobody_to_sign_for_is_no_pass() {
        assert!(issuer().0.passes(&[], SALT).is_empty());
    }

    #[test]
    fn a_pass_of_the_largest_tree_is_short_enough_for_a_header() {
        let (issuer, _) = issuer();
        let longest = issuer.passes(&passes(256), SALT);
        assert!(longest.iter().all(|token| token.len() < 400));
    }

    #[test]
    fn a_place_with_another_visitors_path_is_forged() {
        let (issuer, keys) = issuer();
        let tokens = issuer.passes(&passes(8), SALT);
        let bytes = |token: &str| {
            let text = token
                .strip_prefix(LABEL)
                .unwrap()
                .strip_prefix('.')
                .unwrap();
            BASE64URL_NOPAD.decode(text.as_bytes()).unwrap()
        };
        let (first, second) = (bytes(&tokens[0]), bytes(&tokens[1]));
        let payload = first.len() - SIGNATURE_BYTES - 2 - 3 * NODE_BYTES - SALT_BYTES;
        let forged = text_of(LABEL, &[&first[..payload], &second[payload..]].concat());
        let refused = keys.check_shown_pass(&forged, ROOM, NOW_MS);
        assert_eq!(refused, Err(TokenFault::BadSignature));
    }

    #[test]
    fn a_node_of_the_tree_is_never_taken_for_a_pass() {
        // What two leaves hash to, shown as if it were what one leaf holds, one level further up.
        let (issuer, keys) = issuer();
        let passes = passes(4);
        let token = issuer.passes(&passes, SALT).remove(0);
        let text = token
            .strip_prefix(LABEL)
            .unwrap()
            .strip_prefix('.')
            .unwrap();
        let bytes = BASE64URL_NOPAD.decode(text.as_bytes()).unwrap();
        let payload = bytes.len() - SIGNATURE_BYTES - 2 - 2 * NODE_BYTES - SALT_BYTES;
        let nodes = payload + SALT_BYTES;
        let left = leaf(&SALT, 0, &bytes[..payload]);
        let beside = &bytes[nodes..nodes + NODE_BYTES];
        let above = &bytes[nodes + NODE_BYTES..nodes + 2 * NODE_BYTES];
        let signature = &bytes[bytes.len() - SIGNATURE_BYTES..];
        let shown = [&left, beside, &SALT, above, &[0, 1], signature].concat();
        let refused = keys.check_shown_pass(&text_of(LABEL, &shown), ROOM, NOW_MS);
        assert_eq!(refused, Err(TokenFault::UnknownKey));
    }

    #[test]
    fn a_pass_of_many_is_never_taken_for_one_alone_nor_for_an_admission() {
        let (issuer, keys) = issuer();
        let token = issuer.passes(&passes(2), SALT).remove(0);
        for label in ["onsale-pass-1", "onsale-admission-1"] {
            let dressed_up = token.replace(LABEL, label);
            let visitor = VisitorId([0; 16]);
            assert!(keys.check_shown_pass(&dressed_up, ROOM, NOW_MS).is_err());
            let admitted = keys.check_admission(&dressed_up, ROOM, visitor, NOW_MS);
            assert!(admitted.is_err());
        }
    }

    proptest! {
        #[test]
        fn a_pass_of_many_with_any_character_altered_is_refused(
            count in 2_u64..20, which in 0_u64..20, at in 0..400_usize, with in "[A-Za-z0-9_-]",
        ) {
            let (issuer, keys) = issuer();
            let token = issuer.passes(&passes(count), SALT).remove((which % count) as usize);
            let at = at % token.len();
            let mut altered = token.clone();
            altered.replace_range(at..=at, &with);
            prop_assume!(altered != token);
            prop_assert!(keys.check_shown_pass(&altered, ROOM, NOW_MS).is_err());
        }

        #[test]
        fn any_bytes_under_the_label_are_answered(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let (_, keys) = issuer();
            prop_assert!(keys.check_shown_pass(&text_of(LABEL, &bytes), ROOM, NOW_MS).is_err());
        }
    }
}

//! Passes of those who join at the same moment are signed together, because signing is most of what
//! joining costs ([`Issuer::passes`](crate::Issuer::passes)).
//!
//! Whoever finds nobody waiting signs for all who come while the runtime goes once through what is
//! ready. There is no timer in it: when little happens that is at once, and the pass is signed alone;
//! in a rush it is some dozens of passes.

use super::{Rooms, lock};
use crate::token::{Pass, SALT_BYTES};
use alloc::{string::String, vec::Vec};
use std::sync::Mutex;
use tokio::sync::oneshot;

/// Who waits for a signature.
#[derive(Default)]
pub(super) struct Signing(Mutex<Vec<Waiting>>);

struct Waiting {
    pass: Pass,
    signed: oneshot::Sender<String>,
}

/// Signs for all who wait, also where the one who was to do it hangs up before: nobody else would.
struct Duty<'a>(&'a Rooms);

impl Drop for Duty<'_> {
    fn drop(&mut self) {
        self.0.sign_waiting();
    }
}

impl Rooms {
    /// The signed pass.
    pub(super) async fn signed(&self, pass: &Pass) -> String {
        let (answer, signed) = oneshot::channel();
        let is_first = {
            let mut waiting = lock(&self.signing.0);
            waiting.push(Waiting {
                pass: pass.clone(),
                signed: answer,
            });
            waiting.len() == 1
        };
        if is_first {
            let duty = Duty(self);
            tokio::task::yield_now().await;
            drop(duty);
        }
        match signed.await {
            Ok(token) => token,
            // Whoever signed was stopped in the middle.
            Err(_) => self.issuer.pass(pass),
        }
    }

    fn sign_waiting(&self) {
        let waiting = core::mem::take(&mut *lock(&self.signing.0));
        let (passes, answers): (Vec<_>, Vec<_>) = waiting
            .into_iter()
            .map(|waiting| (waiting.pass, waiting.signed))
            .unzip();
        // After the passes are fixed: see `Issuer::passes`.
        let mut salt = [0; SALT_BYTES];
        if passes.len() > 1 {
            self.world.fill(&mut salt);
        }
        for (token, answer) in self.issuer.passes(&passes, salt).into_iter().zip(answers) {
            // Who has hung up needs none.
            let _ = answer.send(token);
        }
    }
}

//! The scripts, each behind what is common to all.

use alloc::{format, string::String, vec::Vec};
use fred::prelude::{Client, FredResult, LuaInterface, Value};

/// One script, run by its hash.
pub(super) struct Script {
    text: String,
    sha1: String,
}

impl Script {
    fn new(own: &str) -> Self {
        let text = format!("{}\n{own}", include_str!("../lua/common.lua"));
        let sha1 = fred::util::sha1_hash(&text);
        Self { text, sha1 }
    }

    /// By its hash; the whole text where that process of Redis has not seen it yet.
    pub(super) async fn run(
        &self,
        client: &Client,
        keys: Vec<String>,
        arguments: Vec<String>,
    ) -> FredResult<Value> {
        let known = client
            .evalsha(self.sha1.as_str(), keys.clone(), arguments.clone())
            .await;
        match known {
            Err(error) if error.details().starts_with("NOSCRIPT") => {
                client.eval(self.text.as_str(), keys, arguments).await
            }
            answer => answer,
        }
    }
}

macro_rules! scripts {
    ($($name:ident)+) => {
        /// All of them.
        pub(super) struct Scripts {
            $(pub(super) $name: Script,)+
        }

        impl Scripts {
            pub(super) fn new() -> Self {
                Self {
                    $($name: Script::new(include_str!(concat!("../lua/", stringify!($name), ".lua"))),)+
                }
            }
        }
    };
}

scripts! {
    make forget read lease give_back person claim check_in leave inside sweep advance change log put_code
    spend
}

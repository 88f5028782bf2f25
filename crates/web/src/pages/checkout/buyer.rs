//! Who buys. A guest needs no account: a name for the tickets and an address.

use leptos::prelude::*;

use super::fields::{Field, Form};
use super::state::Checkout;
use crate::i18n::use_i18n;

#[component]
pub(super) fn BuyerFields(checkout: Checkout, form: Form) -> impl IntoView {
    let i18n = use_i18n();
    Effect::new(move || {
        let (name, email) = (form.name.text.get(), form.email.text.get());
        checkout.kept.update(|kept| {
            kept.name = name;
            kept.email = email;
        });
    });
    view! {
        <section class="step" aria-labelledby="buyer-title">
            <h2 class="step__title" id="buyer-title">{i18n.say(|t| t.your_details)}</h2>
            <div class="fields">
                <Field typed=form.name label=Signal::derive(i18n.say(|t| t.name)) autocomplete="name"/>
                <Field typed=form.email label=Signal::derive(i18n.say(|t| t.email)) autocomplete="email"
                    input_type="email" inputmode="email" hint=Signal::derive(i18n.say(|t| t.email_hint))/>
            </div>
        </section>
    }
}

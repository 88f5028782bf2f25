// The shop as a visitor's page uses it behind a room.

import { sleep } from 'k6';
import { ask, refusal, uuid } from './http.js';

/** How often somebody whose payment takes its time looks how it goes on, and how many times. */
const LOOK_S = 0.5;
const LOOKS = 60;

/** The page itself, and what it asks for first. */
export function open(performance) {
  const page = ask('GET', `/performances/${performance}`, { name: 'page', accept: 'text/html' });
  if (page.status !== 200) throw refusal('page', page);
  const about = ask('GET', `/api/v1/performances/${performance}`, { name: 'performance' });
  if (about.status !== 200) throw refusal('performance', about);
}

/** The state of every seat. */
export function seats(performance) {
  const path = `/api/v1/performances/${performance}/seats`;
  const answer = ask('GET', path, { name: 'seats', accept: '*/*' });
  if (answer.status !== 200) throw refusal('seats', answer);
  return answer.timings.duration;
}

/** Two seats: those that were offered, or, where somebody was quicker, the best there are. */
export function hold(performance, claimed) {
  const path = `/api/v1/performances/${performance}/holds`;
  const best = { best_available: { quantity: 2, bands: [], together: true } };
  const offer = claimed.offer && claimed.offer.performance_id === performance ? claimed.offer : null;
  const wanted = offer ? [offer.request, best] : [best];
  let rivals = 0;
  for (const request of wanted) {
    const id = uuid();
    const body = { command_id: uuid(), hold_id: id, request, needs_accessible: false };
    const answer = ask('POST', path, { name: 'hold', body, admission: claimed.admission });
    if (answer.status === 201) {
      const { places } = answer.json('hold');
      return { id, places, rivals, ms: answer.timings.duration };
    }
    const refused = refusal('hold', answer);
    // Offers are not held: the seats went to somebody else between two requests.
    if (refused.message !== 'hold_409_seats_taken' || request === best) throw refused;
    rivals += 1;
  }
  throw new Error('nothing was wanted');
}

export function release(performance, held) {
  const path = `/api/v1/performances/${performance}/holds/${held.id}?command_id=${uuid()}`;
  const answer = ask('DELETE', path, { name: 'release' });
  if (answer.status !== 204) throw refusal('release', answer);
}

/** Quote and checkout with a card that is accepted. */
export function pay(performance, claimed, held) {
  const base = `/api/v1/performances/${performance}`;
  const items = held.places.map((place) => ({ place, price_type: 0 }));
  const quoting = { items, voucher: null };
  const quote = ask('POST', `${base}/quote`, { name: 'quote', body: quoting });
  if (quote.status !== 200) throw refusal('quote', quote);
  const body = {
    command_id: uuid(),
    order_id: uuid(),
    quote_token: quote.json('token'),
    items,
    voucher: null,
    buyer: { name: 'A Fan', email: 'fan@example.org' },
    payment: { card_number: '4242424242424242', expiry: '12/30', cvc: '123' },
  };
  const path = `${base}/holds/${held.id}/checkout`;
  const { admission } = claimed;
  const since = Date.now();
  const answer = ask('POST', path, { name: 'checkout', body, admission });
  let ms = answer.timings.duration;
  let told = answer;
  // Still paying: the page asks how it goes on.
  const isPaying = () => told.status === 202 || (told.status === 200 && told.json('state') === 'paying');
  for (let looks = 0; looks < LOOKS && isPaying(); looks += 1) {
    sleep(LOOK_S);
    told = ask('GET', `/api/v1/orders/${body.order_id}`, { name: 'checkout' });
    ms = Date.now() - since;
  }
  if (told.status !== 200) throw refusal('checkout', told);
  const state = told.json('state');
  if (state !== 'confirmed') throw new Error(`checkout_${state}`);
  return ms;
}

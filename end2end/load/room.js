// A waiting room as its page uses it: the one document that everybody polls, one's own place worked
// out from it, the work for a number, the claim. What `onsale-queue` decides for the page in
// `wire/public.rs`, `estimate.rs` and `pow.rs` is said here once more, for a room with no draw.

import crypto from 'k6/crypto';
import { sleep } from 'k6';
import { ask, refusal, Refused } from './http.js';

const FEWEST_INTERVALS = 3;

/** Where the holder of a place stands: 'waiting', 'turn', 'over' or 'unknown', and how many ahead. */
export function standing(room, place) {
  if (room.state === 'closed' || place.epoch < room.floor) return { is: 'over' };
  const own = room.epochs.find((epoch) => epoch.epoch === place.epoch);
  if (!own) return { is: 'unknown' };
  if (place.number < own.serving) {
    return { is: place.number < own.ended ? 'over' : 'turn' };
  }
  let ahead = place.number - own.serving + 1;
  for (const epoch of room.epochs) {
    if (epoch.epoch < place.epoch) ahead += Math.max(0, epoch.next - epoch.serving);
  }
  return { is: 'waiting', ahead };
}

/** When it could be one's turn if it goes as well as lately, ms; null where nothing moves. */
function soonest(room, ahead) {
  if (!['open', 'draining'].includes(room.state) || room.outage) return null;
  let rate = room.rate_per_minute;
  if (room.recent.length >= FEWEST_INTERVALS) {
    const perMinute = (calls) => {
      const all = calls.reduce((sum, count) => sum + count, 0);
      return Math.floor((all * 60_000) / (room.interval_ms * calls.length));
    };
    const sorted = [...room.recent].sort((a, b) => a - b);
    const slow = perMinute(sorted.slice(0, Math.ceil(sorted.length / 2)));
    rate = Math.min(Math.max(perMinute(sorted), slow), Math.max(rate, 1));
  }
  return rate === 0 ? null : Math.ceil((ahead * 60_000) / rate);
}

/** When to ask again, ms: often when it is nearly one's turn, seldom when it is far, never in step. */
export function pause(room, stands) {
  let calm = 2_000;
  if (stands.is === 'turn') calm = 1_000;
  if (stands.is === 'over') calm = 30_000;
  if (stands.is === 'waiting') {
    const wait = soonest(room, stands.ahead);
    calm = wait === null ? 5_000 : Math.min(Math.max(wait / 20, 1_000), 20_000);
  }
  return calm * 0.75 + (calm / 2) * Math.random();
}

export function document(room) {
  const answer = ask('GET', `/api/v1/rooms/${room}`, { name: 'poll' });
  if (answer.status !== 200) throw refusal('poll', answer);
  return answer.json();
}

/** The counter whose hash, together with the challenge, begins with enough zero bits. */
function solve(challenge, bits) {
  const counter = new Uint8Array(8);
  const view = new DataView(counter.buffer);
  for (let tried = 0; ; tried += 1) {
    view.setUint32(4, tried);
    const hash = crypto.createHash('sha256');
    hash.update(challenge);
    hash.update(counter.buffer);
    const digest = new DataView(hash.digest('binary'));
    if (digest.getUint32(0) >>> (32 - bits) === 0) return tried;
  }
}

/** A place; does the work that the room asks for. */
export function join(room) {
  const wish = { wishes: { places: 2, together: true } };
  const work = ask('GET', `/api/v1/rooms/${room}/challenge`, { name: 'challenge' });
  if (work.status !== 200) throw refusal('challenge', work);
  const { bits, challenge } = work.json();
  if (bits > 0) {
    wish.challenge = challenge;
    wish.counter = solve(challenge, bits);
  }
  const answer = ask('POST', `/api/v1/rooms/${room}/join`, { name: 'join', body: wish });
  if (answer.status !== 201) throw refusal('join', answer);
  return answer.json();
}

/** Waits for one's turn and comes in; `on` is told of every poll and of every full shop. */
export function comeIn(room, performance, joined, on) {
  for (;;) {
    const now = document(room);
    on.poll();
    const stands = standing(now, joined.place);
    if (stands.is === 'over') throw new Refused('poll_place_lost');
    if (stands.is === 'turn') {
      const body = { pass: joined.pass, performance_id: performance };
      const answer = ask('POST', `/api/v1/rooms/${room}/claim`, { name: 'claim', body });
      if (answer.status === 200) return answer.json();
      const refused = refusal('claim', answer);
      // It stays their turn: that is what the cap is for, and no error.
      if (refused.message !== 'claim_409_shop_full') throw refused;
      on.full();
    }
    sleep(pause(now, stands) / 1_000);
  }
}

export function leave(room, admission) {
  const body = { admission };
  const answer = ask('POST', `/api/v1/rooms/${room}/leave`, { name: 'leave', body });
  if (answer.status !== 204) throw refusal('leave', answer);
}

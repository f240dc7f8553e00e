// Asks for a strategy each second and shows who gave it. The relay's address is ?relay=...
import * as engine from '@redoubt/engine';
import { createClient, DEADLINE_DEFAULT_MS, relayWords } from '@redoubt/client';

const relay = new URLSearchParams(location.search).get('relay') ?? 'http://localhost:8000';
const client = createClient({ engine, relay });
const show = (id, text) => (document.getElementById(id).textContent = text);

const world = (tick) => ({
  territory_control: { red: 40 + (tick % 20), blue: 45 },
  resources: { red: { energy: 40, materials: 35, data: 20 } },
  agents: { red: [{ id: 1, type: 'collector', health: 80, x: 120, y: 90 }], blue: [] },
  resource_distribution: { energy: 12, materials: 9, data: 15 },
});

function showRelay() {
  const now = { nowMs: client.now(), date: new Date(), teams: 2, deadlineMs: DEADLINE_DEFAULT_MS };
  show('relay', relayWords(client.status, now) ?? `Relay ${client.status.state}.`);
}

async function ask(tick) {
  const { value, source, model, latencyMs } = await client.strategy('red', world(tick));
  document.getElementById('badge').dataset.source = source;
  show(
    'badge',
    `${source === 'engine' ? 'built-in' : (model ?? 'relay')}, ${latencyMs.toFixed(0)} ms`,
  );
  show('strategy', `${value.strategy}: ${value.description}`);
  showRelay();
  setTimeout(() => ask(tick + 1), 1000);
}

client.onStatus(showRelay);
ask(0);

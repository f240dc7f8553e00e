import { useSignal, type Signal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { providers, type Provider } from '@redoubt/engine/models';
import type { Game } from '../game';
import { forgetOwnModel, ownModelUse, useOwnModel } from '../relay/own_model';
import { latency, thousands } from '../text/format';

/** A player's own key: in this page's memory until it is forgotten or the page is closed. */
export function OwnModelPanel({ game }: { game: Game }) {
  const use = ownModelUse.value;
  return (
    <section aria-label="Your own model">
      <h3>Your own model</h3>
      {use ? <InUse game={game} /> : <Choose game={game} />}
    </section>
  );
}

function InUse({ game }: { game: Game }) {
  const use = ownModelUse.value!;
  return (
    <>
      <dl class="facts">
        <dt>Model</dt>
        <dd>{use.name}</dd>
        <dt>Used</dt>
        <dd class="number">
          {use.calls} calls, {thousands(use.tokens)} tokens
        </dd>
        <dt>Cost</dt>
        <dd class="number">
          {use.costMicroUsd === null ? 'not known' : `$${(use.costMicroUsd / 1e6).toFixed(4)}`}
        </dd>
        {use.lastLatencyMs === null ? null : (
          <>
            <dt>Last answer</dt>
            <dd class="number">{latency(use.lastLatencyMs)}</dd>
          </>
        )}
        {use.lastError === null ? null : (
          <>
            <dt>Last error</dt>
            <dd>{use.lastError}</dd>
          </>
        )}
      </dl>
      <div class="row">
        <button type="button" class="button small" onClick={() => forgetOwnModel(game.own)}>
          Forget the key
        </button>
      </div>
    </>
  );
}

function Choose({ game }: { game: Game }) {
  const known = useSignal<readonly Provider[]>([]);
  const provider = useSignal('openai');
  const model = useSignal('');
  const key = useSignal('');
  const busy = useSignal(false);
  useEffect(() => {
    providers().then((list) => (known.value = list), game.tell);
  }, []);
  const chosen = known.value.find(({ name }) => name === provider.value);
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        busy.value = true;
        const choice = { provider: provider.value, model: model.value, key: key.value };
        key.value = '';
        useOwnModel(game.own, choice)
          .catch(game.tell)
          .finally(() => (busy.value = false));
      }}
    >
      <p class="meta">
        Asked where the relay has no model. The key stays in this page&rsquo;s memory and goes to
        the provider alone.
      </p>
      <ProviderField known={known.value} provider={provider} />
      <ModelField models={chosen?.models ?? []} model={model} />
      {chosen?.keyed === false ? null : <KeyField value={key} />}
      <div class="row">
        <button type="submit" class="button" disabled={busy.value}>
          Use it
        </button>
      </div>
    </form>
  );
}

interface ProviderProps {
  readonly known: readonly Provider[];
  readonly provider: Signal<string>;
}

/** One without an address of its own is nothing that a page could ask. */
function ProviderField({ known, provider }: ProviderProps) {
  return (
    <label class="field">
      <span>Provider</span>
      <select
        value={provider.value}
        onChange={(event) => (provider.value = event.currentTarget.value)}
      >
        {known
          .filter(({ baseUrl }) => baseUrl !== '')
          .map(({ name }) => (
            <option key={name} value={name}>
              {name}
            </option>
          ))}
      </select>
    </label>
  );
}

function ModelField({ models, model }: { models: readonly string[]; model: Signal<string> }) {
  return (
    <label class="field">
      <span>Model</span>
      <input
        required
        list="own-models"
        value={model.value}
        onInput={(event) => (model.value = event.currentTarget.value)}
      />
      <datalist id="own-models">
        {models.map((name) => (
          <option key={name} value={name} />
        ))}
      </datalist>
    </label>
  );
}

function KeyField({ value }: { value: Signal<string> }) {
  return (
    <label class="field">
      <span>Key</span>
      <input
        required
        type="password"
        autocomplete="off"
        spellcheck={false}
        value={value.value}
        onInput={(event) => (value.value = event.currentTarget.value)}
      />
    </label>
  );
}

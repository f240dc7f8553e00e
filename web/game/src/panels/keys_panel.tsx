import { KEY_LIST } from './key_list';

export function KeysPanel() {
  return (
    <table class="keys">
      <caption class="visually-hidden">Keyboard</caption>
      <tbody>
        {KEY_LIST.map(([keys, what]) => (
          <tr key={keys}>
            <th scope="row">
              {keys
                .split(' ')
                .map((key) => (key === '\u2013' ? ' \u2013 ' : <kbd key={key}>{key}</kbd>))}
            </th>
            <td>{what}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

// A request of the game and a plan that answers it, for the tests beside this file.
export const situation = {
  team_id: 'red',
  territory_control: { red: 10, blue: 45 },
  resources: { red: { energy: 4, materials: 9, data: 0 } },
  agents: { red: [], blue: [] },
  resource_distribution: { energy: 5, materials: 5, data: 5, total: 15 },
};
export const plan = {
  strategy: 'economic',
  focus: 'resources',
  priorities: ['collect_energy'],
  description: 'Gather first, fight later.',
};

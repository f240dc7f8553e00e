/** Which layers are shown. Territory, plan and contested toggle; heat maps exclude each other. */

export type HeatName = 'threat' | 'influence' | 'resource_pull';
export type LayerName = 'territory' | 'plan' | 'contested' | HeatName;

export interface Layers {
  readonly territory: boolean;
  readonly plan: boolean;
  readonly contested: boolean;
  readonly heat: HeatName | null;
  /** Whose heat map. */
  readonly heatTeam: number;
}

export const initialLayers: Layers = {
  territory: true,
  plan: true,
  contested: true,
  heat: null,
  heatTeam: 0,
};

export const LAYER_LIST: readonly { readonly name: LayerName; readonly label: string }[] = [
  { name: 'territory', label: 'Territory' },
  { name: 'plan', label: 'Plan' },
  { name: 'threat', label: 'Threat' },
  { name: 'influence', label: 'Influence' },
  { name: 'resource_pull', label: 'Resources' },
  { name: 'contested', label: 'Fights' },
];

const isHeat = (name: LayerName): name is HeatName =>
  name === 'threat' || name === 'influence' || name === 'resource_pull';

export function toggleLayer(layers: Layers, name: LayerName): Layers {
  if (isHeat(name)) return { ...layers, heat: layers.heat === name ? null : name };
  return { ...layers, [name]: !layers[name] };
}

export function isShown(layers: Layers, name: LayerName): boolean {
  return isHeat(name) ? layers.heat === name : layers[name];
}

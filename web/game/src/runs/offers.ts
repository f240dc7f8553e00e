/** What the page lets a player start, and what each workflow is given. */

export type OfferInput = 'team' | 'text';

export interface Offer {
  readonly workflow: string;
  readonly label: string;
  readonly input: OfferInput;
  /** What the text is. */
  readonly asks?: string;
}

export const OFFERS: readonly Offer[] = [
  { workflow: 'team_strategy', label: 'Strategy for a team', input: 'team' },
  { workflow: 'review_loop', label: 'Write and review', input: 'text', asks: 'Task' },
  { workflow: 'research', label: 'Research', input: 'text', asks: 'Topic' },
  { workflow: 'development_team', label: 'Development team', input: 'text', asks: 'Task' },
  { workflow: 'triage', label: 'Triage', input: 'text', asks: 'Message' },
];

/** The workflow's input from a text. */
export function inputOf(workflow: string, text: string): object {
  switch (workflow) {
    case 'research':
      return {
        topic: text,
        questions: [`What is known about ${text}?`, `What is open about ${text}?`],
      };
    case 'triage':
      return { message: text };
    default:
      return { task: text };
  }
}

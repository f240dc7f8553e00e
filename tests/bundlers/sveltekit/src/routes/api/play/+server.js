import { json } from '@sveltejs/kit';
import { both } from '../../../../packages.js';

export const GET = async () => json(await both());

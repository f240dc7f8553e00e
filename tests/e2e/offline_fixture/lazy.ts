declare const VERSION: string;
export const name = `lazy ${VERSION}`;

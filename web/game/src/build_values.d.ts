/** Put in by the build: "RULES.STRATEGY", what links and kept matches were made with. */
declare const __VERSIONS__: string;

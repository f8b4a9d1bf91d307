/** The pages of `umpire serve`. */
export { type ComparedRun, comparePage } from './compare-page.ts';
export { filterOf, filterStore } from './filter.ts';
export { listPage } from './list-page.ts';
export { PAGE_POLICY, page } from './page.ts';
export { readStore, type StoreEntry } from './read-store.ts';

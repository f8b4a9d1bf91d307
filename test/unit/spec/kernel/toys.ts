/** Small models whose behaviour is known by heart. */
import { actionsOn, type Model, model, type Spec } from '../../../../spec/kernel/model.ts';

export interface Counter {
  readonly value: number;
}

const count = actionsOn<Counter>();

/** Counts up to a limit, and down if it may. */
export function counter(limit: number, mayFall = false): Spec<Counter> {
  return {
    init: { value: 0 },
    actions: {
      rise: count({
        when: { 'below the limit': (s) => s.value < limit },
        next: (s) => ({ value: s.value + 1 }),
      }),
      ...(mayFall
        ? {
            fall: count({
              when: { 'above zero': (s) => s.value > 0 },
              next: (s) => ({ value: s.value - 1 }),
            }),
          }
        : {}),
    },
  };
}

export function modelOf<S extends object>(spec: Spec<S>): Model<Record<never, never>, S> {
  return model({
    name: 'toy',
    about: 'A toy.',
    scope: {},
    runs: { everyday: [{}] },
    define: () => spec,
  });
}

/** States are numbers, edges are given, one action per label. */
export interface Node {
  readonly at: number;
}

export function graphSpec(
  edges: Readonly<Record<string, readonly (readonly number[])[]>>,
): Spec<Node> {
  const action = actionsOn<Node>();
  return {
    init: { at: 0 },
    actions: Object.fromEntries(
      Object.entries(edges).map(([label, pairs]) => [
        label,
        action({
          for: { to: (s: Node) => pairs.filter(([from]) => from === s.at).map(([, to]) => to) },
          next: (_, { to }) => ({ at: to as number }),
        }),
      ]),
    ),
  };
}

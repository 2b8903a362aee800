// A GraphQL API with queries, mutations, subscriptions and deferred errors, as graphql-yoga's
// documentation builds one.
import { createSchema, createYoga } from 'graphql-yoga';

const books = [
  { id: '1', title: 'Momo', author: 'ende' },
  { id: '2', title: 'Emil', author: 'kästner' },
];

const schema = createSchema({
  typeDefs: /* GraphQL */ `
    enum Shelf { FRONT BACK }
    interface Node { id: ID! }
    type Author implements Node { id: ID! name: String! books: [Book!]! }
    type Book implements Node { id: ID! title(upper: Boolean = false): String! author: Author! }
    input NewBook { title: String! author: String! shelf: Shelf = FRONT }
    scalar File
    type Query { books(first: Int): [Book!]! node(id: ID!): Node broken: String shop: String! }
    type Mutation { add(book: NewBook!): Book! upload(file: File!): String! }
    type Subscription { countdown(from: Int!): Int! }
  `,
  resolvers: {
    Query: {
      books: (_, { first }) => books.slice(0, first),
      node: (_, { id }) => books.find((book) => book.id === id) ?? null,
      broken: () => { throw new Error('a secret of the shop'); },
      shop: (_, args, context) => context.SHOP,
    },
    Node: { __resolveType: (node) => (node.title ? 'Book' : 'Author') },
    Book: {
      title: ({ title }, { upper }) => (upper ? title.toUpperCase() : title),
      author: ({ author }) => ({ id: author, name: author[0].toUpperCase() + author.slice(1) }),
    },
    Author: { books: ({ id }) => books.filter(({ author }) => author === id) },
    Mutation: {
      add: (_, { book }) => {
        books.push({ id: String(books.length + 1), ...book });
        return books.at(-1);
      },
      upload: async (_, { file }) => `${file.name} ${file.type} ${await file.text()}`,
    },
    Subscription: {
      countdown: {
        async *subscribe(_, { from }) {
          for (let i = from; i >= 0; --i) {
            await scheduler.wait(1);
            yield { countdown: i };
          }
        },
      },
    },
  },
});

const yoga = createYoga({ schema, landingPage: false, logging: false });

export default { fetch: yoga.fetch };

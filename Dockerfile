# Debian 13: its glibc (2.41) loads the uWebSockets.js binary as it is; scripts/fit-uws.mjs is for older ones.
FROM node:24-trixie-slim AS modules
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# Optional packages are PostgreSQL's binaries, of which an image that is given DATABASE_URL has no use; peers are those of redoc (25
# MB), of which only the bundled file is served. Not `npm ci`: it refuses a
# lock file that lacks the packages of other platforms.
RUN npm install --omit=dev --omit=optional --omit=peer --no-audit --no-fund
# Of the 20 binaries for all systems and versions of Node, one is loaded.
RUN cd node_modules/uWebSockets.js \
  && keep="$(node -p '`uws_${process.platform}_${process.arch}_${process.versions.modules}.node`')" \
  && find . -name '*.node' ! -name "$keep" -delete \
  && node -e 'require(".")'

# The pages: files that the server reads at its start.
FROM node:24-trixie-slim AS pages
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm install --include=dev --ignore-scripts --no-audit --no-fund
COPY src/client src/client
COPY src/web src/web
COPY scripts/build-pages.mjs scripts/stamp.mjs scripts/
COPY tsconfig.json ./
RUN node scripts/build-pages.mjs

FROM node:24-trixie-slim
WORKDIR /app
ENV NODE_ENV=production HOST=0.0.0.0 PORT=3000
COPY --from=modules /app/node_modules node_modules
COPY package.json LICENSE ./
COPY lua lua
COPY scripts/demo-concert.json scripts/seed-users.ts scripts/
COPY src src
COPY --from=pages /app/dist/web dist/web
# Kept secrets and the accounts backup.
RUN mkdir .data && chown node:node .data
VOLUME /app/.data
USER node
EXPOSE 3000
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/healthz`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "src/main.ts"]

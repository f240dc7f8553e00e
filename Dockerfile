# The relay with the page. Stage one builds with the same scripts as everywhere else.
FROM debian:12 AS build
WORKDIR /src
COPY tools/setup tools/setup
COPY package.json package-lock.json ./
COPY wasm/package.json wasm/package.json
COPY web/client/package.json web/client/package.json
COPY web/game/package.json web/game/package.json
RUN tools/setup --run
COPY . .
RUN tools/build relay cli page \
 && strip build/native-release/relay/redoubt-relay build/native-release/tools/cli/redoubt

# Stage two holds the binary, the libraries it links, and the page.
FROM debian:12-slim
RUN apt-get update -qq \
 && apt-get install -y -qq --no-install-recommends ca-certificates curl libpng16-16 libsqlite3-0 libssl3 libyaml-cpp0.7 libzstd1 zlib1g \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --system --no-create-home --shell /usr/sbin/nologin redoubt \
 && install -d -o redoubt -g redoubt -m 700 /var/lib/redoubt
COPY --from=build /src/build/native-release/relay/redoubt-relay /usr/local/bin/redoubt-relay
COPY --from=build /src/build/native-release/tools/cli/redoubt /usr/local/bin/redoubt
COPY --from=build /src/web/game/dist /usr/share/redoubt/www
USER redoubt
VOLUME /var/lib/redoubt
ENV REDOUBT_STORE_PATH=/var/lib/redoubt/redoubt-relay.db
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s \
  CMD ["curl", "--fail", "--silent", "--output", "/dev/null", "http://127.0.0.1:8000/healthz"]
ENTRYPOINT ["redoubt-relay", "--host", "0.0.0.0", "--port", "8000", "--www", "/usr/share/redoubt/www"]

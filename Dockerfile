# The operator as one bundled file. Build it first: `make build`, then `docker build -t sidestep:0.1.0 .`
FROM node:24-slim

# The same user that the Deployment demands; it owns nothing, and the root file system may be read-only.
USER 65532:65532
WORKDIR /app
COPY dist/main.cjs dist/main.cjs.map LICENSE ./

ENV NODE_ENV=production
EXPOSE 8080
# Not through npm, which would keep SIGTERM to itself.
ENTRYPOINT ["node", "--enable-source-maps", "/app/main.cjs"]

# A node as an image. Build it from the root of a checkout:
#
#   docker build -f deploy/engram-node.Dockerfile -t REGISTRY/engram-node:0.1.0 .
FROM node:20-bookworm-slim
WORKDIR /engram
COPY . .
RUN npm ci --omit=dev && mkdir /data && chown node:node /data
USER node
VOLUME /data
EXPOSE 50051/tcp 7432/tcp 7946/tcp 7946/udp
# The launcher hands signals on: SIGTERM is a planned absence, and the others are told.
ENTRYPOINT ["bin/engram-node"]

# The simulator as an image, for campaigns over many machines. Build it from the root of a checkout:
#
#   docker build -f deploy/campaign.Dockerfile -t REGISTRY/engram-sim:$(git rev-parse --short HEAD) .
#
# Git and the history's last commit come along: results name the commit that they are of, and only results of one commit merge.
FROM node:20-bookworm
WORKDIR /engram
COPY . .
RUN npm ci --omit=dev && git config --system --add safe.directory /engram
USER node
ENTRYPOINT ["bin/engram-sim"]

"""The actors over HTTP: faces (FastAPI) and clients (httpx2), both thin."""

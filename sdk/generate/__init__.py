"""The resources and models of the SDKs, written from the OpenAPI document of API v2."""

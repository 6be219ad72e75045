from django.urls import path

from toguna.engines.cases import views

urlpatterns = [path("photos/<uuid:public_id>/<slug:size>.jpg", views.photo, name="photo")]
